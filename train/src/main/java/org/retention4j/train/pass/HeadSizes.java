package org.retention4j.train.pass;

import java.util.Arrays;

/** The sizes of what the heads of a mixer put out, over all tokens of a step. */
public final class HeadSizes {
  private double[] squares = {};
  private long numbers;

  /** Forgets all. */
  public void clear() {
    Arrays.fill(squares, 0);
    numbers = 0;
  }

  /**
   * Adds what was put out for some tokens.
   *
   * @param sums gives Σ o² of each head from its first sum on
   * @param heads at least 1
   * @param perHead how many numbers of each head those are
   */
  public void add(RowBlocks sums, int heads, long perHead) {
    if (squares.length != heads) {
      squares = new double[heads];
    }
    sums.add(squares, 0);
    numbers += perHead;
  }

  /** Returns whether nothing was added. */
  public boolean isEmpty() {
    return numbers == 0;
  }

  /** Returns the smallest root mean square of a head. */
  public double smallest() {
    return Math.sqrt(Arrays.stream(squares).min().orElseThrow() / numbers);
  }

  /** Returns the mean of all heads' root mean squares. */
  public double mean() {
    return Arrays.stream(squares).map(s -> Math.sqrt(s / numbers)).average().orElseThrow();
  }

  /** Returns the largest root mean square of a head. */
  public double largest() {
    return Math.sqrt(Arrays.stream(squares).max().orElseThrow() / numbers);
  }
}
