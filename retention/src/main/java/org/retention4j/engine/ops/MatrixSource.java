package org.retention4j.engine.ops;

/**
 * A weight matrix (out,in) somewhere, a file for instance, that is read row by row while it is
 * packed; nothing of it is retained. Used by one thread at a time.
 *
 * @since 0.1
 */
public interface MatrixSource {
  /** Returns the number of output features. */
  int rows();

  /** Returns the number of input features. */
  int columns();

  /** Copies row {@code row} to {@code into[0..columns)}, rounded to fp32 where it is wider. */
  void read(int row, float[] into);

  /** Copies row {@code row} to {@code into[0..columns)}, exactly. */
  void read(int row, double[] into);

  /**
   * Copies row {@code row} to {@code into[0..columns)}, rounded to bf16 where it is wider.
   *
   * @param room at least as long, overwritten
   */
  default void readBfloat16(int row, float[] room, short[] into) {
    read(row, room);
    Bfloat16.fromFloats(room, into, columns());
  }
}
