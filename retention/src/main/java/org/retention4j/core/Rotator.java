package org.retention4j.core;

/**
 * Cosines and sines of position·θ_i in double for a run of positions: those at the start of every
 * {@value #BLOCK} are computed, the others follow by the addition theorem from a table of offsets.
 */
public final class Rotator {
  private static final int BLOCK = 64;

  private final double[] frequencies;
  private final double[][] offsetCos;
  private final double[][] offsetSin;

  /** By row and block. */
  private final double[][][] startCos;

  private final double[][][] startSin;

  /**
   * Makes the table.
   *
   * @param rows number of independent starts
   * @param tokens largest offset plus 1
   */
  public Rotator(double[] frequencies, int rows, int tokens) {
    this.frequencies = frequencies;
    int offsets = Math.min(tokens, BLOCK);
    offsetCos = new double[offsets][frequencies.length];
    offsetSin = new double[offsets][frequencies.length];
    for (int t = 0; t < offsets; t++) {
      fill(t, offsetCos[t], offsetSin[t]);
    }
    int blocks = (tokens + BLOCK - 1) / BLOCK;
    startCos = new double[rows][blocks][frequencies.length];
    startSin = new double[rows][blocks][frequencies.length];
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
    for (int i = 0; i * BLOCK < count; i++) {
      fill(position + (long) i * BLOCK, startCos[row][i], startSin[row][i]);
    }
  }

  /** Computes the angles' cosines and sines at start + offset. */
  public void at(int row, int offset, double[] cos, double[] sin) {
    double[] c = startCos[row][offset / BLOCK];
    double[] s = startSin[row][offset / BLOCK];
    double[] oc = offsetCos[offset % BLOCK];
    double[] os = offsetSin[offset % BLOCK];
    for (int i = 0; i < frequencies.length; i++) {
      cos[i] = c[i] * oc[i] - s[i] * os[i];
      sin[i] = s[i] * oc[i] + c[i] * os[i];
    }
  }
}
