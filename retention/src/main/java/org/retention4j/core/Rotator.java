package org.retention4j.core;

import java.util.Arrays;

/**
 * Cosines and sines of position·θ_i in double for runs of positions: those at multiples of {@value
 * #BLOCK} are computed, and kept while a run stays near them; the others follow by the addition
 * theorem from a table of offsets. What comes out depends on the position alone.
 */
public final class Rotator {
  private static final int BLOCK = 16;

  private final double[] frequencies;
  private final double[][] offsetCos = new double[BLOCK][];
  private final double[][] offsetSin = new double[BLOCK][];

  /** The first position of each row's first block, −1 before there is one. */
  private final long[] first;

  /** How many positions each row's run lies behind that. */
  private final int[] shift;

  /** How many of each row's blocks are computed. */
  private final int[] computed;

  /** By row and block. */
  private final double[][][] startCos;

  private final double[][][] startSin;

  /**
   * Makes the table.
   *
   * @param rows number of independent runs
   * @param tokens the longest of them
   */
  public Rotator(double[] frequencies, int rows, int tokens) {
    this.frequencies = frequencies;
    int n = frequencies.length;
    for (int t = 0; t < BLOCK; t++) {
      offsetCos[t] = new double[n];
      offsetSin[t] = new double[n];
      fill(t, offsetCos[t], offsetSin[t]);
    }
    first = new long[rows];
    Arrays.fill(first, -1);
    shift = new int[rows];
    computed = new int[rows];
    int blocks = (tokens - 1 + BLOCK - 1) / BLOCK + 1;
    startCos = new double[rows][blocks][n];
    startSin = new double[rows][blocks][n];
  }

  private void fill(long position, double[] cos, double[] sin) {
    for (int i = 0; i < frequencies.length; i++) {
      double angle = position * frequencies[i];
      cos[i] = Math.cos(angle);
      sin[i] = Math.sin(angle);
    }
  }

  /**
   * Sets the position at which a row's run starts.
   *
   * @param count tokens of the run
   */
  public void start(int row, long position, int count) {
    shift[row] = (int) (position % BLOCK);
    if (first[row] != position - shift[row]) {
      first[row] = position - shift[row];
      computed[row] = 0;
    }
    for (int i = computed[row]; i * BLOCK < shift[row] + count; i++) {
      fill(first[row] + (long) i * BLOCK, startCos[row][i], startSin[row][i]);
      computed[row] = i + 1;
    }
  }

  /** Computes the angles' cosines and sines at start + offset. */
  public void at(int row, int offset, double[] cos, double[] sin) {
    int place = shift[row] + offset;
    double[] c = startCos[row][place / BLOCK];
    double[] s = startSin[row][place / BLOCK];
    double[] oc = offsetCos[place % BLOCK];
    double[] os = offsetSin[place % BLOCK];
    for (int i = 0; i < frequencies.length; i++) {
      cos[i] = c[i] * oc[i] - s[i] * os[i];
      sin[i] = s[i] * oc[i] + c[i] * os[i];
    }
  }
}
