package org.retention4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.retention4j.engine.Bfloat16;

/**
 * A safetensors file: 8 bytes of header length, a JSON header, data. Opening it checks every rule
 * of the format; data are mapped and read by copying, so they may lie unaligned.
 *
 * <p>May be read from many threads. Use after close is an {@link IllegalStateException}.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** The longest header that the format allows. */
  static final long LONGEST_HEADER = 100_000_000;

  private static final int LENGTH_BYTES = 8;

  private final Path path;
  private final MappedFile file;
  private final SafetensorsHeader header;
  private final long dataStart;

  private SafetensorsFile(Path path, MappedFile file, SafetensorsHeader header, long dataStart) {
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
    if (!Files.isRegularFile(path)) {
      throw new CheckpointException(
          "expected a safetensors file, got none, or a folder, at " + path);
    }
    MappedFile file = null;
    try {
      file = new MappedFile(path);
      SafetensorsFile opened = open(path, file);
      file = null;
      return opened;
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
    } finally {
      if (file != null) {
        file.close();
      }
    }
  }

  private static SafetensorsFile open(Path path, MappedFile file) throws IOException {
    if (file.size() < LENGTH_BYTES) {
      throw new CheckpointException(
          String.format(
              "expected at least 8 bytes, the header's length, in %s, got %d", path, file.size()));
    }
    ByteBuffer start = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.read(0, start);
    long length = start.getLong(0);
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
    if (length + LENGTH_BYTES > file.size()) {
      throw new CheckpointException(
          String.format(
              "expected a header of %d bytes in %s, got a file of %d bytes: it is truncated",
              length, path, file.size()));
    }
    byte[] json = new byte[(int) length];
    file.read(LENGTH_BYTES, ByteBuffer.wrap(json));
    long dataStart = LENGTH_BYTES + length;
    return new SafetensorsFile(
        path, file, SafetensorsHeader.parse(path, json, file.size() - dataStart), dataStart);
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
   */
  public void read(TensorInfo tensor, long element, int count, float[] into) {
    int width = tensor.dtype().bytes();
    int most = MappedFile.LONGEST_READ / width;
    for (int done = 0; done < count; done += most) {
      int n = Math.min(most, count - done);
      ByteBuffer from = slice(tensor, element + done, n);
      switch (tensor.dtype()) {
        case F32 -> from.asFloatBuffer().get(into, done, n);
        case F64 -> {
          for (int i = 0; i < n; i++) {
            into[done + i] = (float) from.getDouble(8 * i);
          }
        }
        case BF16 -> {
          for (int i = 0; i < n; i++) {
            into[done + i] = Bfloat16.toFloat(from.getShort(2 * i));
          }
        }
        case F16 -> {
          for (int i = 0; i < n; i++) {
            into[done + i] = Float16.toFloat(from.getShort(2 * i));
          }
        }
        default -> throw noWeight(tensor);
      }
    }
  }

  /** Copies the bits of elements of a BF16 tensor. */
  void readBits(TensorInfo tensor, long element, int count, short[] into) {
    int most = MappedFile.LONGEST_READ / Short.BYTES;
    for (int done = 0; done < count; done += most) {
      int n = Math.min(most, count - done);
      slice(tensor, element + done, n).asShortBuffer().get(into, done, n);
    }
  }

  /** Copies elements of a weight tensor, exactly. */
  public void read(TensorInfo tensor, long element, int count, double[] into) {
    int width = tensor.dtype().bytes();
    int most = MappedFile.LONGEST_READ / width;
    for (int done = 0; done < count; done += most) {
      int n = Math.min(most, count - done);
      ByteBuffer from = slice(tensor, element + done, n);
      for (int i = 0; i < n; i++) {
        into[done + i] =
            switch (tensor.dtype()) {
              case F64 -> from.getDouble(8 * i);
              case F32 -> from.getFloat(4 * i);
              case BF16 -> Bfloat16.toFloat(from.getShort(2 * i));
              case F16 -> Float16.toFloat(from.getShort(2 * i));
              default -> throw noWeight(tensor);
            };
      }
    }
  }

  /**
   * Copies bytes of a tensor as they stand in the file.
   *
   * @param offset of the first, counted from the tensor's begin
   * @throws IllegalArgumentException if they are not all the tensor's, or do not fit
   */
  public void readBytes(TensorInfo tensor, long offset, byte[] into, int count) {
    long bytes = tensor.end() - tensor.begin();
    if (offset < 0 || count < 0 || offset > bytes - count || count > into.length) {
      throw new IllegalArgumentException(
          String.format(
              "expected at most %d bytes within the %d of %s, got %d from %d on",
              into.length, bytes, Shown.name(tensor.name()), count, offset));
    }
    for (int done = 0; done < count; done += MappedFile.LONGEST_READ) {
      int n = Math.min(MappedFile.LONGEST_READ, count - done);
      long at = dataStart + tensor.begin() + offset + done;
      file.slice(at, n).get(into, done, n);
    }
  }

  private ByteBuffer slice(TensorInfo tensor, long element, int n) {
    int width = tensor.dtype().bytes();
    if (element < 0 || element + n > tensor.elements()) {
      throw new IllegalArgumentException(
          String.format(
              "expected elements in 0..%d of %s, got %d..%d",
              tensor.elements(), Shown.name(tensor.name()), element, element + n));
    }
    return file.slice(dataStart + tensor.begin() + element * width, n * width);
  }

  private CheckpointException noWeight(TensorInfo tensor) {
    return new CheckpointException(
        String.format(
            "expected weights (F64, F32, F16 or BF16) in %s of %s, got %s",
            Shown.name(tensor.name()), path, tensor.dtype()));
  }

  @Override
  public void close() {
    file.close();
  }
}
