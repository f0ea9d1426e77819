package org.retention4j.nn;

import java.util.Arrays;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.ElementType;

/**
 * Cosines and sines of position·θ_i for runs of positions: those at multiples of {@value #BLOCK}
 * are computed in double, and kept while a run stays near them; the others follow by the addition
 * theorem from a table of offsets. What comes out depends on the position alone.
 *
 * @since 0.1
 */
public final class Rotary {
  private static final int BLOCK = 16;

  private final double[] frequencies;
  private final Angles[] offsets = new Angles[BLOCK];

  /** The first position of each row's first block, −1 before there is one. */
  private final long[] first;

  /** How many positions each row's run lies behind that. */
  private final int[] shift;

  /** How many of each row's blocks are computed. */
  private final int[] computed;

  /** By row and block. */
  private final Angles[][] starts;

  /**
   * Makes the table.
   *
   * @param type of the engine that rotates
   * @param rows number of independent runs
   * @param tokens the longest of them
   */
  public Rotary(ElementType type, double[] frequencies, int rows, int tokens) {
    this.frequencies = frequencies;
    for (int t = 0; t < BLOCK; t++) {
      offsets[t] = Angles.of(type, frequencies.length);
      fill(t, offsets[t]);
    }
    first = new long[rows];
    Arrays.fill(first, -1);
    shift = new int[rows];
    computed = new int[rows];
    starts = new Angles[rows][(tokens - 1 + BLOCK - 1) / BLOCK + 1];
    for (Angles[] row : starts) {
      Arrays.setAll(row, i -> Angles.of(type, frequencies.length));
    }
  }

  private void fill(long position, Angles to) {
    for (int i = 0; i < frequencies.length; i++) {
      to.set(i, position * frequencies[i]);
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
      fill(first[row] + (long) i * BLOCK, starts[row][i]);
      computed[row] = i + 1;
    }
  }

  /** Gives the angles at start + offset. */
  public void at(int row, int offset, Angles to) {
    int place = shift[row] + offset;
    to.setSums(starts[row][place / BLOCK], offsets[place % BLOCK]);
  }
}
