package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.internal.kv.KvMatrix;

/** Rows of float64. */
public record Fp64Matrix(double[][] rows) implements KvMatrix {
  /** Makes zeros. */
  public Fp64Matrix(int rows, int width) {
    this(new double[rows][width]);
  }

  @Override
  public void set(int row, int column, double value) {
    rows[row][column] = value;
  }

  @Override
  public double get(int row, int column) {
    return rows[row][column];
  }

  @Override
  public void clear() {
    for (double[] row : rows) {
      Arrays.fill(row, 0);
    }
  }

  @Override
  public Fp64Matrix copy() {
    double[][] copy = new double[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      copy[i] = rows[i].clone();
    }
    return new Fp64Matrix(copy);
  }
}
