package org.retention4j.checkpoint.internal.files;

import java.nio.ByteBuffer;
import java.util.List;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;

/**
 * A tensor to be written, which is asked for its rows one after the other.
 *
 * @param shape at least one dimension; the last is a row
 * @param rows gives the rows' bytes, little-endian
 * @since 0.1
 */
public record OutTensor(String name, DType dtype, List<Long> shape, RowBytes rows) {
  /** Copies the shape. */
  /** Copies the shape. */
  public OutTensor {
    shape = List.copyOf(shape);
  }

  /** Gives rows in order, each once. */
  @FunctionalInterface
  public interface RowBytes {
    /** Puts the bytes of one row. */
    void put(long row, ByteBuffer into);
  }

  /** Gives rows in order, each once, as numbers. */
  @FunctionalInterface
  public interface RowNumbers {
    /** Copies one row. */
    void read(long row, double[] into);
  }

  long rowLength() {
    return shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
  }

  long rowCount() {
    long count = 1;
    for (int i = 0; i < shape.size() - 1; i++) {
      count = Math.multiplyExact(count, shape.get(i));
    }
    return rowLength() == 0 ? 0 : count;
  }

  public long bytes() {
    long bytes = dtype.bytes();
    for (long n : shape) {
      bytes = Math.multiplyExact(bytes, n);
    }
    return bytes;
  }

  /**
   * Returns a tensor whose numbers are rounded to its type, once, to nearest, ties to even. Its
   * last row is a {@link CheckpointException} if finite numbers became infinite.
   */
  public static OutTensor of(String name, DType dtype, List<Long> shape, RowNumbers numbers) {
    RoundedRows rounded = new RoundedRows(name, dtype, shape, numbers);
    return new OutTensor(name, dtype, shape, rounded);
  }

  /** Returns a vector. */
  public static OutTensor of(String name, DType dtype, double[] vector) {
    return of(
        name,
        dtype,
        List.of((long) vector.length),
        (row, into) -> System.arraycopy(vector, 0, into, 0, vector.length));
  }

  /** Returns a packed matrix, unpacked when its turn comes. */
  public static OutTensor of(String name, DType dtype, PackedMatrix matrix) {
    List<Long> shape = List.of((long) matrix.outputs(), (long) matrix.inputs());
    MatrixSource source = matrix.unpack();
    return of(name, dtype, shape, (row, into) -> source.read((int) row, into));
  }
}
