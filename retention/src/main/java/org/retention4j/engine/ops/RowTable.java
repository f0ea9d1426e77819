package org.retention4j.engine.ops;

/**
 * A table (rows, columns) of which single rows are read, an embedding for instance. Immutable until
 * it is closed; use after close is an {@link IllegalStateException}.
 *
 * @since 0.1
 */
public interface RowTable extends AutoCloseable {
  /** Returns the number of rows. */
  int rows();

  /** Returns the number of columns. */
  int columns();

  /** Returns the type of the elements. */
  WeightType type();

  /** Returns the bytes held. */
  long bytes();

  /** Copies a row to {@code into[0..columns)}, rounded to fp32 where it is wider. */
  void read(int row, float[] into);

  /** Copies a row to {@code into[0..columns)}, exactly. */
  void read(int row, double[] into);

  @Override
  void close();
}
