package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An array in NumPy's .npy format (versions 1 to 3), read whole: little-endian, C order, integers
 * of 4 or 8 bytes or floats of 4 or 8 bytes.
 *
 * @param shape sizes of the dimensions, none for a single number
 * @param integers the elements if they are integers, else null
 * @param floats the elements, widened, if they are floats, else null
 * @since 0.1
 */
@SuppressWarnings("ArrayRecordComponent") // Plain arrays are what it is for.
public record NpyFile(long[] shape, long[] integers, double[] floats) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int LONGEST_HEADER = 1 << 16;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9, ]*)\\)");

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it cannot be read, is no .npy file, or holds what is not read
   */
  public static NpyFile read(Path path) {
    try {
      if (!Files.isRegularFile(path)) {
        throw new CheckpointException("expected a .npy file, got none, or a folder, at " + path);
      }
      if (Files.size(path) > Integer.MAX_VALUE - 16) {
        throw new CheckpointException("expected a .npy file of less than 2 GiB, got " + path);
      }
      return parse(path, Files.readAllBytes(path));
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
    }
  }

  private static NpyFile parse(Path path, byte[] content) {
    ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    if (content.length < 12 || !Arrays.equals(MAGIC, Arrays.copyOf(content, 6))) {
      throw new CheckpointException("expected a .npy file, got something else in " + path);
    }
    int version = bytes.get(6);
    if (version < 1 || version > 3) {
      throw bad(path, "version 1, 2 or 3", String.valueOf(version));
    }
    int start = version == 1 ? 10 : 12;
    long length = version == 1 ? bytes.getShort(8) & 0xffff : bytes.getInt(8) & 0xffffffffL;
    if (length > LONGEST_HEADER || start + length > bytes.limit()) {
      throw bad(path, "a header inside the file", length + " bytes of header");
    }
    String header = new String(content, start, (int) length, StandardCharsets.ISO_8859_1);
    String descr = group(path, DESCR, header, "descr");
    if (group(path, ORDER, header, "fortran_order").equals("True")) {
      throw bad(path, "C order", "Fortran order");
    }
    long[] shape = shape(path, group(path, SHAPE, header, "shape"));
    ByteBuffer data = bytes.position(start + (int) length).slice().order(ByteOrder.LITTLE_ENDIAN);
    return elements(path, descr, shape, data);
  }

  private static String group(Path path, Pattern pattern, String header, String what) {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw bad(path, what + " in the header", header.strip());
    }
    return matcher.group(1);
  }

  private static long[] shape(Path path, String text) {
    try {
      return Pattern.compile(",")
          .splitAsStream(text)
          .map(String::strip)
          .filter(s -> !s.isEmpty())
          .mapToLong(Long::parseLong)
          .toArray();
    } catch (NumberFormatException e) {
      throw bad(path, "a shape", "(" + text + ")");
    }
  }

  private static NpyFile elements(Path path, String descr, long[] shape, ByteBuffer data) {
    int width =
        switch (descr) {
          case "<i8", "<f8" -> 8;
          case "<i4", "<f4" -> 4;
          default -> throw bad(path, "elements <i4, <i8, <f4 or <f8", descr);
        };
    long count = 1;
    try {
      for (long n : shape) {
        count = Math.multiplyExact(count, n);
      }
      if (Math.multiplyExact(count, width) != data.limit()) {
        throw bad(
            path,
            count * width + " bytes for shape " + Arrays.toString(shape),
            String.valueOf(data.limit()));
      }
    } catch (ArithmeticException e) {
      throw bad(path, "a shape that fits the file", Arrays.toString(shape));
    }
    int n = (int) count;
    long[] integers = descr.charAt(1) == 'i' ? new long[n] : null;
    double[] floats = integers == null ? new double[n] : null;
    for (int i = 0; i < n; i++) {
      switch (descr) {
        case "<i8" -> integers[i] = data.getLong(8 * i);
        case "<i4" -> integers[i] = data.getInt(4 * i);
        case "<f8" -> floats[i] = data.getDouble(8 * i);
        default -> floats[i] = data.getFloat(4 * i);
      }
    }
    return new NpyFile(shape, integers, floats);
  }

  private static CheckpointException bad(Path path, String expected, String got) {
    return new CheckpointException(
        String.format(Locale.ROOT, "expected %s in %s, got %s", expected, path, got));
  }
}
