package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;

/**
 * An array in NumPy's .npy format (versions 1 to 3), read whole: integers of 1, 2, 4 or 8 bytes,
 * with a sign or without, or floats of 4 or 8 bytes, of either byte order, in C or Fortran order.
 *
 * @since 0.1
 */
public final class NpyFile {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int LONGEST_HEADER = 1 << 16;
  private static final int MOST_BYTES = Integer.MAX_VALUE - 16;
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9, ]*)\\)");

  /** A byte alone has no order. */
  private static final Pattern TYPE = Pattern.compile("[<>](?:[iu][248]|f[48])|[|<>][iu]1");

  private final long[] shape;

  /** One of these two is null. */
  private final long[] integers;

  private final double[] floats;

  private NpyFile(long[] shape, long[] integers, double[] floats) {
    this.shape = shape;
    this.integers = integers;
    this.floats = floats;
  }

  /** Returns the sizes of the dimensions, none for a single number. */
  public long[] shape() {
    return shape.clone();
  }

  /** Returns whether the elements are integers; else they are floats. */
  public boolean holdsIntegers() {
    return integers != null;
  }

  /**
   * Returns the elements in C order; the array is this file's.
   *
   * @throws IllegalStateException if they are floats
   */
  public long[] integers() {
    if (integers == null) {
      throw new IllegalStateException("expected an array of integers, got floats");
    }
    return integers;
  }

  /**
   * Returns the elements in C order, widened; the array is this file's.
   *
   * @throws IllegalStateException if they are integers
   */
  public double[] floats() {
    if (floats == null) {
      throw new IllegalStateException("expected an array of floats, got integers");
    }
    return floats;
  }

  /**
   * Reads a file or a pipe.
   *
   * @throws CheckpointException if it cannot be read, is no .npy file, or holds what is not read
   */
  public static NpyFile read(Path path) {
    Args.present("a .npy file", path);
    if (!Files.exists(path) || Files.isDirectory(path)) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected a .npy file, got %s, at %s",
              Files.isDirectory(path) ? "a folder" : "none",
              path));
    }
    try (InputStream in = Files.newInputStream(path)) {
      return read(in, path.toString());
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
    }
  }

  /**
   * Reads a stream to its end, and leaves it open.
   *
   * @param name of the stream, for messages
   * @throws CheckpointException if it is no .npy file, or holds what is not read
   * @throws IOException if reading fails
   */
  public static NpyFile read(InputStream in, String name) throws IOException {
    byte[] start = in.readNBytes(10);
    if (start.length < 10 || !Arrays.equals(MAGIC, Arrays.copyOf(start, 6))) {
      throw new CheckpointException("expected a .npy file, got something else in " + name);
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw bad(name, "version 1, 2 or 3", String.valueOf(version));
    }
    ByteBuffer sizes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    sizes.put(start, 8, 2).put(in.readNBytes(version == 1 ? 0 : 2));
    long length = sizes.getInt(0) & 0xffffffffL;
    byte[] bytes = in.readNBytes((int) Math.min(length, LONGEST_HEADER));
    if (length > bytes.length) {
      throw bad(name, "a header inside the file", length + " bytes of header");
    }
    String header = new String(bytes, StandardCharsets.ISO_8859_1);
    String descr = group(name, DESCR, header, "descr");
    if (!TYPE.matcher(descr).matches()) {
      throw bad(name, "elements i1, i2, i4, i8, u1, u2, u4, u8, f4 or f8", descr);
    }
    boolean fortran = group(name, ORDER, header, "fortran_order").equals("True");
    long[] shape = shape(name, group(name, SHAPE, header, "shape"));
    ByteBuffer data = data(name, in, shape, descr.charAt(2) - '0');
    data.order(descr.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    return elements(name, descr.substring(1), shape, fortran, data);
  }

  private static String group(String name, Pattern pattern, String header, String what) {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw bad(name, what + " in the header", header.strip());
    }
    return matcher.group(1);
  }

  private static long[] shape(String name, String text) {
    try {
      return Pattern.compile(",")
          .splitAsStream(text)
          .map(String::strip)
          .filter(s -> !s.isEmpty())
          .mapToLong(Long::parseLong)
          .toArray();
    } catch (NumberFormatException e) {
      throw bad(name, "a shape", "(" + text + ")");
    }
  }

  private static ByteBuffer data(String name, InputStream in, long[] shape, int width)
      throws IOException {
    long count = 1;
    try {
      for (long n : shape) {
        count = Math.multiplyExact(count, n);
      }
      count = Math.multiplyExact(count, width);
    } catch (ArithmeticException e) {
      throw bad(name, "a shape that fits the file", Arrays.toString(shape));
    }
    if (count > MOST_BYTES) {
      throw bad(name, "elements of less than 2 GiB", count + " bytes of them");
    }
    byte[] data = in.readNBytes((int) count);
    boolean more = in.read() >= 0;
    if (more || data.length < count) {
      throw bad(
          name,
          count + " bytes for shape " + Arrays.toString(shape),
          more ? "more" : String.valueOf(data.length));
    }
    return ByteBuffer.wrap(data);
  }

  private static NpyFile elements(
      String name, String type, long[] shape, boolean fortran, ByteBuffer data) {
    int width = type.charAt(1) - '0';
    int count = data.limit() / width;
    boolean whole = type.charAt(0) != 'f';
    long[] integers = whole ? new long[count] : null;
    double[] floats = whole ? null : new double[count];
    for (int i = 0; i < count; i++) {
      int at = width * (fortran ? place(shape, i) : i);
      if (whole) {
        integers[i] = integer(type, data, at);
      } else {
        floats[i] = width == 4 ? data.getFloat(at) : data.getDouble(at);
      }
      if (type.equals("u8") && integers[i] < 0) {
        throw bad(
            name,
            "integers up to " + Long.MAX_VALUE,
            Long.toUnsignedString(integers[i]) + " as element " + i + " in C order");
      }
    }
    return new NpyFile(shape, integers, floats);
  }

  private static long integer(String type, ByteBuffer data, int at) {
    return switch (type) {
      case "i1" -> data.get(at);
      case "u1" -> Byte.toUnsignedLong(data.get(at));
      case "i2" -> data.getShort(at);
      case "u2" -> Short.toUnsignedLong(data.getShort(at));
      case "i4" -> data.getInt(at);
      case "u4" -> Integer.toUnsignedLong(data.getInt(at));
      default -> data.getLong(at);
    };
  }

  /** Returns where an element, numbered in C order, lies in Fortran order: first index fastest. */
  private static int place(long[] shape, int element) {
    long place = 0;
    long rest = element;
    for (int i = shape.length - 1; i >= 0; i--) {
      place = place * shape[i] + rest % shape[i];
      rest /= shape[i];
    }
    return (int) place;
  }

  private static CheckpointException bad(String name, String expected, String got) {
    return new CheckpointException(
        String.format(Locale.ROOT, "expected %s in %s, got %s", expected, name, got));
  }
}
