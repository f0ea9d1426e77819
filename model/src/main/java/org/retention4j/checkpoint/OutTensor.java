package org.retention4j.checkpoint;

import java.nio.ByteBuffer;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.PackedMatrix;
import org.retention4j.engine.Rows;

/**
 * A tensor to be written, which is asked for its rows one after the other.
 *
 * @param shape at least one dimension; the last is a row
 * @param rows gives the rows' bytes, little-endian
 */
record OutTensor(String name, DType dtype, List<Long> shape, RowBytes rows) {
  /** Copies the shape. */
  OutTensor {
    shape = List.copyOf(shape);
  }

  /** Gives rows in order, each once. */
  @FunctionalInterface
  interface RowBytes {
    /** Puts the bytes of one row. */
    void put(long row, ByteBuffer into);
  }

  /** Gives rows in order, each once, as numbers. */
  @FunctionalInterface
  interface RowNumbers {
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

  long bytes() {
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
  static OutTensor of(String name, DType dtype, List<Long> shape, RowNumbers numbers) {
    RoundedRows rounded = new RoundedRows(name, dtype, shape, numbers);
    return new OutTensor(name, dtype, shape, rounded);
  }

  /** Returns a vector. */
  static OutTensor of(String name, DType dtype, double[] vector) {
    return of(
        name,
        dtype,
        List.of((long) vector.length),
        (row, into) -> System.arraycopy(vector, 0, into, 0, vector.length));
  }

  /** Returns a packed matrix, unpacked when its turn comes. */
  static OutTensor of(String name, DType dtype, PackedMatrix matrix) {
    List<Long> shape = List.of((long) matrix.outputs(), (long) matrix.inputs());
    Rows[] unpacked = new Rows[1];
    return of(
        name,
        dtype,
        shape,
        (row, into) -> {
          if (row == 0) {
            INDArray array = matrix.unpack();
            unpacked[0] = Rows.of(array.reshape(1, array.size(0), array.size(1)));
          }
          unpacked[0].readWide(0, row, 0, into);
          if (row == matrix.outputs() - 1) {
            unpacked[0] = null;
          }
        });
  }
}
