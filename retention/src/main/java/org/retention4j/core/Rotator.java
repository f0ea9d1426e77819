package org.retention4j.core;

/**
 * Cosines and sines of position·θ_i in double for a run of positions: those of the run's start are
 * computed, the others follow by the addition theorem from a table of offsets.
 */
public final class Rotator {
  private final double[] frequencies;
  private final double[][] offsetCos;
  private final double[][] offsetSin;
  private final double[][] startCos;
  private final double[][] startSin;

  /**
   * Makes the table.
   *
   * @param rows number of independent starts
   * @param tokens largest offset plus 1
   */
  public Rotator(double[] frequencies, int rows, int tokens) {
    this.frequencies = frequencies;
    offsetCos = new double[tokens][frequencies.length];
    offsetSin = new double[tokens][frequencies.length];
    for (int t = 0; t < tokens; t++) {
      fill(t, offsetCos[t], offsetSin[t]);
    }
    startCos = new double[rows][frequencies.length];
    startSin = new double[rows][frequencies.length];
  }

  private void fill(long position, double[] cos, double[] sin) {
    for (int i = 0; i < frequencies.length; i++) {
      double angle = position * frequencies[i];
      cos[i] = Math.cos(angle);
      sin[i] = Math.sin(angle);
    }
  }

  /** Sets the position at which a row's run starts. */
  public void start(int row, long position) {
    fill(position, startCos[row], startSin[row]);
  }

  /** Computes the angles' cosines and sines at start + offset. */
  public void at(int row, int offset, double[] cos, double[] sin) {
    double[] c = startCos[row];
    double[] s = startSin[row];
    double[] oc = offsetCos[offset];
    double[] os = offsetSin[offset];
    for (int i = 0; i < frequencies.length; i++) {
      cos[i] = c[i] * oc[i] - s[i] * os[i];
      sin[i] = s[i] * oc[i] + c[i] * os[i];
    }
  }
}
