package org.retention4j.engine;

/**
 * Rows of fp32 on the heap in the layout that a provider reads fastest, see {@link
 * Kernels#flatRows}: one array, or an array each.
 */
final class FloatRows implements FloatCacheRows {
  private final int rows;
  private final int width;
  private volatile float[][] arrays;

  /** Makes zeros in the layout of the best provider. */
  FloatRows(int rows, int width) {
    this(rows, width, arrays(rows, width, Provider.best().kernels().flatRows()));
  }

  private FloatRows(int rows, int width, float[][] arrays) {
    this.rows = rows;
    this.width = width;
    this.arrays = arrays;
  }

  private static float[][] arrays(int rows, int width, boolean flat) {
    return flat ? new float[1][rows * width] : new float[rows][width];
  }

  private boolean flat() {
    return arrays.length < rows;
  }

  /**
   * Returns the rows in the layout of a provider; changes the layout if another had it before.
   * Several lanes may read at once.
   */
  float[][] as(Kernels kernels) {
    float[][] now = arrays;
    if (rows == 1 || kernels.flatRows() == now.length < rows) {
      return now;
    }
    float[][] other = arrays(rows, width, kernels.flatRows());
    for (int i = 0; i < rows; i++) {
      if (kernels.flatRows()) {
        System.arraycopy(now[i], 0, other[0], i * width, width);
      } else {
        System.arraycopy(now[0], i * width, other[i], 0, width);
      }
    }
    arrays = other;
    return other;
  }

  /** Returns the array that holds a row, from {@link #start} on. */
  float[] array(int row) {
    return flat() ? arrays[0] : arrays[row];
  }

  /** Returns where in its array a row begins. */
  int start(int row) {
    return flat() ? row * width : 0;
  }

  @Override
  public void set(int row, int column, double value) {
    array(row)[start(row) + column] = (float) value;
  }

  @Override
  public double get(int row, int column) {
    return array(row)[start(row) + column];
  }

  @Override
  public void add(Kernels kernels, int count, float[] factors, float[] sum) {
    kernels.addRows(as(kernels), count, width, factors, sum);
  }

  @Override
  public void load(Kernels kernels, float[] room, Float32Tile dst) {
    for (int i = 0; i < dst.rows(); i++) {
      dst.writeFrom(i, array(i), start(i), width);
    }
  }

  @Override
  public FloatRows copy() {
    float[][] copy = new float[arrays.length][];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = arrays[i].clone();
    }
    return new FloatRows(rows, width, copy);
  }
}
