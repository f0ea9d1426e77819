package org.retention4j.engine;

/** Rows of float64. */
record DoubleRows(double[][] rows) implements CacheRows {
  DoubleRows(int rows, int width) {
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
  public DoubleRows copy() {
    double[][] copy = new double[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      copy[i] = rows[i].clone();
    }
    return new DoubleRows(copy);
  }
}
