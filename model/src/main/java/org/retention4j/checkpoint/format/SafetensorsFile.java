package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.engine.ops.Bfloat16;

/**
 * A safetensors file: 8 bytes of header length, a JSON header, data. Opening it checks every rule
 * of the format; data are read by copying, so they may lie unaligned.
 *
 * <p>May be read from many threads. Use after close is an {@link IllegalStateException}.
 *
 * @since 0.1
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The longest header that the format allows. */
  static final long LONGEST_HEADER = 100_000_000;

  private static final int LENGTH_BYTES = 8;

  private final Path path;
  private final FileBytes file;
  private final SafetensorsHeader header;
  private final long dataStart;

  private SafetensorsFile(Path path, FileBytes file, SafetensorsHeader header, long dataStart) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.dataStart = dataStart;
  }

  /**
   * Opens a file.
   *
   * @throws CheckpointException if it cannot be read or breaks a rule of the format
   */
  public static SafetensorsFile open(Path path) {
    Args.present("a safetensors file", path);
    if (!Files.isRegularFile(path)) {
      throw new CheckpointException(
          "expected a safetensors file at " + path + ", got " + WeightFiles.instead(path));
    }
    FileBytes file;
    try {
      file = new FileBytes(path);
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
    }
    try {
      return open(path, file);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static SafetensorsFile open(Path path, FileBytes file) {
    byte[] start = new byte[(int) Math.min(FileKind.BYTES, file.size())];
    file.read(0, start);
    if (start.length < LENGTH_BYTES) {
      throw other(path, start)
          .orElseGet(
              () ->
                  new CheckpointException(
                      String.format(
                          Locale.ROOT,
                          "expected at least 8 bytes, the header's length, in %s, got %d",
                          path,
                          start.length)));
    }
    long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    boolean begins = start.length > LENGTH_BYTES && start[LENGTH_BYTES] == '{';
    if (!begins) {
      Optional<CheckpointException> other = other(path, start);
      if (other.isPresent()) {
        throw other.get();
      }
    }
    // Nothing is allocated by this number before it is known to fit the file.
    if (length < 0 || length > LONGEST_HEADER) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected a header of at most %,d bytes in %s, got a length of %s",
              LONGEST_HEADER,
              path,
              Long.toUnsignedString(length)));
    }
    long dataStart = LENGTH_BYTES + length;
    if (dataStart > file.size()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected a header of %d bytes in %s, got a file of %d bytes: it is truncated within"
                  + " the header; fetch it again",
              length,
              path,
              file.size()));
    }
    byte[] json = new byte[(int) length];
    file.read(LENGTH_BYTES, json);
    return new SafetensorsFile(
        path, file, SafetensorsHeader.parse(path, json, file.size() - dataStart), dataStart);
  }

  private static Optional<CheckpointException> other(Path path, byte[] start) {
    return FileKind.ofBinary(start)
        .map(kind -> "expected a safetensors file at " + path + ", got " + kind)
        .map(CheckpointException::new);
  }

  /** Returns the file's path. */
  public Path path() {
    return path;
  }

  /** Returns the tensors by name, in the order of their data. */
  public Map<String, TensorInfo> tensors() {
    return header.tensors();
  }

  /** Returns what stands under __metadata__. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * Copies elements of a weight tensor, rounded to fp32 where they are wider.
   *
   * @param element index of the first, counted over the whole tensor in row-major order
   * @throws CheckpointException if the file has been cut off since it was opened
   */
  public void read(TensorInfo tensor, long element, int count, float[] into) {
    requireWeight(tensor);
    forEachPiece(
        tensor,
        element,
        count,
        (from, at, n) -> {
          switch (tensor.dtype()) {
            case F32 -> from.asFloatBuffer().get(into, at, n);
            case F64 -> {
              for (int i = 0; i < n; i++) {
                into[at + i] = (float) from.getDouble(8 * i);
              }
            }
            case BF16 -> {
              for (int i = 0; i < n; i++) {
                into[at + i] = Bfloat16.toFloat(from.getShort(2 * i));
              }
            }
            default -> {
              for (int i = 0; i < n; i++) {
                into[at + i] = Float16.toFloat(from.getShort(2 * i));
              }
            }
          }
        });
  }

  /** Copies the bits of elements of a BF16 tensor. */
  public void readBits(TensorInfo tensor, long element, int count, short[] into) {
    forEachPiece(tensor, element, count, (from, at, n) -> from.asShortBuffer().get(into, at, n));
  }

  /**
   * Copies elements of a weight tensor, exactly; see {@link #read(TensorInfo,long,int,float[])}.
   */
  public void read(TensorInfo tensor, long element, int count, double[] into) {
    requireWeight(tensor);
    forEachPiece(
        tensor,
        element,
        count,
        (from, at, n) -> {
          for (int i = 0; i < n; i++) {
            into[at + i] =
                switch (tensor.dtype()) {
                  case F64 -> from.getDouble(8 * i);
                  case F32 -> from.getFloat(4 * i);
                  case BF16 -> Bfloat16.toFloat(from.getShort(2 * i));
                  default -> Float16.toFloat(from.getShort(2 * i));
                };
          }
        });
  }

  /**
   * Copies bytes of a tensor as they stand in the file.
   *
   * @param offset of the first, counted from the tensor's begin
   * @throws IllegalArgumentException if they are not all the tensor's, or do not fit
   * @throws CheckpointException if the file has been cut off since it was opened
   */
  public void readBytes(TensorInfo tensor, long offset, byte[] into, int count) {
    long bytes = tensor.end() - tensor.begin();
    if (offset < 0 || count < 0 || offset > bytes - count || count > into.length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at most %d bytes within the %d of %s, got %d from %d on",
              into.length,
              bytes,
              Shown.name(tensor.name()),
              count,
              offset));
    }
    for (int done = 0; done < count; done += FileBytes.LONGEST_READ) {
      int at = done;
      int n = Math.min(FileBytes.LONGEST_READ, count - done);
      file.read(dataStart + tensor.begin() + offset + done, n, from -> from.get(into, at, n));
    }
  }

  /** Copies n elements to index at. */
  private interface Piece {
    void copy(ByteBuffer from, int at, int n);
  }

  private void forEachPiece(TensorInfo tensor, long element, int count, Piece piece) {
    if (element < 0 || count < 0 || element > tensor.elements() - count) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected elements in 0..%d of %s, got %d..%d",
              tensor.elements(),
              Shown.name(tensor.name()),
              element,
              element + count));
    }
    int width = tensor.dtype().bytes();
    int most = FileBytes.LONGEST_READ / width;
    for (int done = 0; done < count; done += most) {
      int at = done;
      int n = Math.min(most, count - done);
      file.read(
          dataStart + tensor.begin() + (element + done) * width,
          n * width,
          from -> piece.copy(from, at, n));
    }
  }

  private void requireWeight(TensorInfo tensor) {
    if (!tensor.dtype().isWeight()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected weights (F64, F32, F16 or BF16) in %s of %s, got %s",
              Shown.name(tensor.name()),
              path,
              tensor.dtype()));
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
