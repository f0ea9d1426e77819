package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.internal.memory.Fp32Tile;

/** Rows of fp32 on the heap in the layout of an engine's kernels, see {@link Kernels#flatRows}. */
final class Fp32Matrix implements Fp32KvMatrix {
  private final int rows;
  private final int width;
  private final boolean flat;
  private final float[][] arrays;

  /**
   * Makes zeros.
   *
   * @param flat whether all rows are in one array, and not in one each
   */
  Fp32Matrix(int rows, int width, boolean flat) {
    this(rows, width, flat, flat ? new float[1][rows * width] : new float[rows][width]);
  }

  private Fp32Matrix(int rows, int width, boolean flat, float[][] arrays) {
    this.rows = rows;
    this.width = width;
    this.flat = flat;
    this.arrays = arrays;
  }

  boolean flat() {
    return flat;
  }

  /** Returns the rows as kernels of this layout read them. */
  float[][] arrays() {
    return arrays;
  }

  /** Returns the array that holds a row, from {@link #start} on. */
  float[] array(int row) {
    return flat ? arrays[0] : arrays[row];
  }

  /** Returns where in its array a row begins. */
  int start(int row) {
    return flat ? row * width : 0;
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
    kernels.addRows(arrays, count, width, factors, sum);
  }

  @Override
  public void load(Kernels kernels, float[] room, Fp32Tile dst) {
    for (int i = 0; i < dst.rows(); i++) {
      dst.writeFrom(i, array(i), start(i), width);
    }
  }

  @Override
  public void clear() {
    for (float[] array : arrays) {
      Arrays.fill(array, 0f);
    }
  }

  @Override
  public Fp32Matrix copy() {
    float[][] copy = new float[arrays.length][];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = arrays[i].clone();
    }
    return new Fp32Matrix(rows, width, flat, copy);
  }
}
