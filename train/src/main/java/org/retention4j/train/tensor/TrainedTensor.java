package org.retention4j.train.tensor;

/**
 * A tensor that training changes: a weight, a moment of an optimizer, a carried state. Read and
 * written row by row, between two steps.
 *
 * @since 0.1
 */
public interface TrainedTensor {
  /** Returns its name, one of its own. */
  String name();

  /** Returns the number of rows; 1 of a vector. */
  int rows();

  /** Returns the length of a row. */
  int columns();

  /** Copies a row, exactly: elements are fp32, or float64 in a float64 engine. */
  void read(int row, double[] into);

  /** Sets a row. */
  void write(int row, double[] from);
}
