package org.retention4j.nn;

import org.retention4j.engine.ops.MatrixSource;

/** A matrix (out,in) of numbers in row-major order. */
record NumberMatrix(double[] numbers, int rows, int columns) implements MatrixSource {
  @Override
  public void read(int row, float[] into) {
    for (int i = 0; i < columns; i++) {
      into[i] = (float) numbers[row * columns + i];
    }
  }

  @Override
  public void read(int row, double[] into) {
    System.arraycopy(numbers, row * columns, into, 0, columns);
  }
}
