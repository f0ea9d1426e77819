package org.retention4j.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Args;

/**
 * Where sequences begin inside the rows of a batch: before such a token all that came before it is
 * dropped, S_t = k_tᵀ v_t, and its position is 0. Nothing of what was dropped has an effect, not
 * even a NaN. Immutable.
 *
 * <p>A mask and cumulative lengths are two ways to say the same, and the numbers are those of the
 * sequences one by one, in every form and wherever a row is split. A row that begins without a
 * reset goes on from the state that comes in.
 *
 * @since 0.1
 */
public final class Resets {
  private static final Resets NONE = new Resets(-1, new int[0][]);

  /** T, or −1 for any. */
  private final int tokens;

  /** (B) ascending tokens of each row; none for any B. */
  private final int[][] rows;

  private Resets(int tokens, int[][] rows) {
    this.tokens = tokens;
    this.rows = rows;
  }

  /** Returns no resets, for any shape. */
  public static Resets none() {
    return NONE;
  }

  /**
   * Returns resets by a mask.
   *
   * @param mask (B,T), true before whose token there is a reset
   * @throws IllegalArgumentException for rows of different lengths, or none
   */
  public static Resets mask(boolean[][] mask) {
    Args.present("mask of resets", mask);
    if (mask.length == 0) {
      throw new IllegalArgumentException("expected a mask of resets (B,T), got no rows");
    }
    int[][] rows = new int[mask.length][];
    for (int b = 0; b < mask.length; b++) {
      Args.present("a row of the mask of resets", mask[b]);
      if (mask[b].length != mask[0].length) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected a mask of resets with rows of %d tokens, got %d in row %d",
                mask[0].length,
                mask[b].length,
                b));
      }
      List<Integer> tokens = new ArrayList<>();
      for (int t = 0; t < mask[b].length; t++) {
        if (mask[b][t]) {
          tokens.add(t);
        }
      }
      rows[b] = tokens.stream().mapToInt(Integer::intValue).toArray();
    }
    return new Resets(mask[0].length, rows);
  }

  /**
   * Returns resets by cumulative lengths: row b holds sequences that begin at c_0 = 0, c_1, …, and
   * the last of which ends at c_n = T. The first is reset too; an empty sequence is none.
   *
   * @param lengths (B) rows of 0 = c_0 ≤ c_1 ≤ … ≤ c_n = T
   * @throws IllegalArgumentException for a row that does not begin at 0, that falls, or that ends
   *     elsewhere than the others
   */
  public static Resets cumulative(int[]... lengths) {
    Args.present("cumulative lengths", lengths);
    if (lengths.length == 0) {
      throw new IllegalArgumentException("expected cumulative lengths of B rows, got none");
    }
    int[][] rows = new int[lengths.length][];
    for (int b = 0; b < lengths.length; b++) {
      rows[b] = starts(lengths[b], b);
    }
    int tokens = last(lengths[0]);
    for (int b = 1; b < lengths.length; b++) {
      if (last(lengths[b]) != tokens) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected cumulative lengths that all end at T = %d, got %d in row %d",
                tokens,
                last(lengths[b]),
                b));
      }
    }
    return new Resets(tokens, rows);
  }

  private static int last(int[] lengths) {
    return lengths[lengths.length - 1];
  }

  private static int[] starts(int[] lengths, int row) {
    Args.present("a row of cumulative lengths", lengths);
    if (lengths.length == 0 || lengths[0] != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected cumulative lengths that start at 0, got %s in row %d",
              Arrays.toString(lengths),
              row));
    }
    for (int i = 1; i < lengths.length; i++) {
      if (lengths[i] < lengths[i - 1]) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected cumulative lengths that do not fall, got %d after %d in row %d",
                lengths[i],
                lengths[i - 1],
                row));
      }
    }
    return Arrays.stream(lengths, 0, lengths.length - 1)
        .distinct()
        .filter(start -> start < last(lengths))
        .toArray();
  }

  /** Returns whether there is none. */
  public boolean isEmpty() {
    for (int[] row : rows) {
      if (row.length > 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns whether there is one before a token of a row.
   *
   * @throws IllegalArgumentException if there is no such row
   */
  public boolean at(int row, int token) {
    return rows.length > 0 && Arrays.binarySearch(rowOf(row), token) >= 0;
  }

  private int[] rowOf(int row) {
    CoreChecks.checkRow(row, rows.length);
    return rows[row];
  }

  /**
   * Returns those of some tokens, counted from the first of these.
   *
   * @param from the first token, at least 0
   * @param to behind the last token, at most T
   * @throws IllegalArgumentException if there are no such tokens
   */
  public Resets tokens(int from, int to) {
    if (from < 0 || to < from || (rows.length > 0 && to > tokens)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected 0 <= from <= to%s, got %d and %d",
              rows.length > 0 ? " <= T = " + tokens : "",
              from,
              to));
    }
    if (rows.length == 0) {
      return this;
    }
    int[][] cut = new int[rows.length][];
    for (int b = 0; b < rows.length; b++) {
      cut[b] = Arrays.stream(rows[b]).filter(t -> t >= from && t < to).map(t -> t - from).toArray();
    }
    return new Resets(to - from, cut);
  }

  /**
   * Returns those of one row alone.
   *
   * @throws IllegalArgumentException if there is no such row
   */
  public Resets row(int row) {
    return rows.length == 0 ? this : new Resets(tokens, new int[][] {rowOf(row)});
  }

  /** Returns (B) ascending tokens, no rows where there are no resets at all; not to be changed. */
  int[][] rows() {
    return isEmpty() ? NONE.rows : rows;
  }

  /** Returns whether these are resets for B rows of T tokens. */
  public boolean fits(long batch, long ofTokens) {
    return rows.length == 0 || (rows.length == batch && tokens == ofTokens);
  }

  /**
   * Checks the shape.
   *
   * @throws IllegalArgumentException if these are no resets for B rows of T tokens
   */
  public void checkShape(long batch, long ofTokens) {
    if (!fits(batch, ofTokens)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected resets for B = %d rows of T = %d tokens, got %d rows of %d",
              batch,
              ofTokens,
              rows.length,
              tokens));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Resets that
        && tokens == that.tokens
        && Arrays.deepEquals(rows, that.rows);
  }

  @Override
  public int hashCode() {
    return 31 * tokens + Arrays.deepHashCode(rows);
  }

  @Override
  public String toString() {
    return "resets before tokens " + Arrays.deepToString(rows);
  }
}
