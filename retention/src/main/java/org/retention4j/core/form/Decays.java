package org.retention4j.core.form;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.engine.ops.RowView;

/**
 * The log decays g of the tokens of one head of one sequence, their sums, and its resets; token 0
 * is the first. A sum is never the difference of two others, which loses every digit when one token
 * decays far.
 *
 * <p>A reset before a token drops all that came before it: g is −∞ there, whether the caller gave
 * it so, per token and head, or named the token for all heads. What g is then is of no matter to a
 * kernel that clears the state there and keeps apart the tokens on either side.
 *
 * @since 0.1
 */
public final class Decays {
  private static final int[][] NO_RESETS = {};

  private final double[] constants;
  private final RowView perToken;

  /** (B) ascending tokens of T before which all heads are reset; no rows for none. */
  private final int[][] resets;

  private long offset;
  private int batch;
  private int head;

  private Decays(double[] constants, RowView perToken, int[][] resets) {
    this.constants = constants;
    this.perToken = perToken;
    this.resets = resets;
  }

  /** Returns decays that are constant per head: (H). */
  public static Decays constant(double[] perHead) {
    return new Decays(perHead, null, NO_RESETS);
  }

  /** Returns decays per token and head: (B,T,H) as rows of H. */
  public static Decays perToken(RowView rows) {
    return new Decays(null, rows, NO_RESETS);
  }

  /**
   * Returns these decays with resets of all heads.
   *
   * @param tokens (B) rows of ascending tokens of T, or no rows for none; not to be changed
   */
  public Decays withResets(int[][] tokens) {
    return new Decays(constants, perToken, tokens);
  }

  /** Makes token 0 the one at {@code first} of T. */
  public void startAt(long first) {
    offset = first;
  }

  void at(int newBatch, int newHead) {
    batch = newBatch;
    head = newHead;
  }

  /**
   * Returns W, the log decays of one token: 1, which counts for all K channels of its keys, is all
   * that there is; a decay for each channel would have K. Spans give W numbers for each token.
   */
  public int width() {
    return 1;
  }

  /** Returns whether the log decay is the same for every token. */
  public boolean uniform() {
    return constants != null;
  }

  /** Returns the log decay g of one token, where W = 1; at a reset it may be anything. */
  public double of(long token) {
    return constants != null ? constants[head] : perToken.get(batch, offset + token, 0, head);
  }

  /** Returns the first token of from … to−1 before which this head is reset, or {@code to}. */
  public int nextReset(int from, int to) {
    int next = to;
    if (resets.length > 0) {
      int at = Arrays.binarySearch(resets[batch], (int) (offset + from));
      int index = at < 0 ? -at - 1 : at;
      if (index < resets[batch].length) {
        next = (int) Math.min(to, resets[batch][index] - offset);
      }
    }
    for (int t = from; t < next && !uniform(); t++) {
      if (of(t) == Double.NEGATIVE_INFINITY) {
        return t;
      }
    }
    return next;
  }

  /**
   * Fills starts[i], i &lt; n, with the first of tokens from … from+i that no reset parts from
   * token from+i, counted from {@code from}.
   *
   * @return the last of them: 0 if nothing parts the n tokens
   */
  public int segments(int from, int n, int[] starts) {
    int start = 0;
    while (start < n) {
      int end = start + 1 < n ? nextReset(from + start + 1, from + n) - from : n;
      Arrays.fill(starts, start, end, start);
      if (end == n) {
        return start;
      }
      start = end;
    }
    return 0;
  }

  /**
   * Returns the last of n tokens before which all heads of a row are reset, −1 for none.
   *
   * @param row b of B
   */
  public int lastReset(int row, int n) {
    int last = -1;
    if (resets.length > 0) {
      int at = Arrays.binarySearch(resets[row], (int) (offset + n));
      int before = (at < 0 ? -at - 1 : at) - 1;
      last = before < 0 ? -1 : (int) Math.max(-1, resets[row][before] - offset);
    }
    for (int t = n - 1; t > last && !uniform(); t--) {
      if (dropsAllHeads(row, t)) {
        return t;
      }
    }
    return last;
  }

  private boolean dropsAllHeads(int row, int token) {
    for (int h = 0; h < perToken.width(); h++) {
      if (perToken.get(row, offset + token, 0, h) != Double.NEGATIVE_INFINITY) {
        return false;
      }
    }
    return true;
  }

  /** Fills into[i] with g of token from+i, i &lt; n·W. */
  public void each(long from, int n, double[] into) {
    for (int i = 0; i < n; i++) {
      into[i] = of(from + i);
    }
  }

  /**
   * Fills into[i] with g_from + … + g_(from+i), i &lt; n: the decay from before the first of n
   * tokens to after token i. A constant decay is multiplied, never summed.
   */
  public void fromStart(long from, int n, double[] into) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum = uniform() ? (i + 1) * constants[head] : sum + of(from + i);
      into[i] = sum;
    }
  }

  /**
   * Fills into[i] with g_(from+i+1) + … + g_(from+n−1), i &lt; n: the decay from after token i to
   * after the last of n.
   */
  public void toEnd(long from, int n, double[] into) {
    double sum = 0;
    for (int i = n - 1; i >= 0; i--) {
      into[i] = uniform() ? (n - 1 - i) * constants[head] : sum;
      sum += of(from + i);
    }
  }

  /** Returns the log decay over the first n tokens, −∞ where one of them is reset. */
  public double total(int n) {
    if (nextReset(0, n) < n) {
      return Double.NEGATIVE_INFINITY;
    }
    if (uniform()) {
      return n * constants[head];
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += of(i);
    }
    return sum;
  }

  /**
   * Checks every value that is not padding.
   *
   * @param lengths (B) tokens of each row
   * @throws IllegalArgumentException naming the first that is neither ≤ 0 nor −∞, or if the values
   *     were closed
   */
  public void check(int[] lengths) {
    if (uniform()) {
      return;
    }
    perToken.requireOpen();
    for (int b = 0; b < lengths.length; b++) {
      for (int t = 0; t < lengths[b]; t++) {
        for (int h = 0; h < perToken.width(); h++) {
          double g = perToken.get(b, t, 0, h);
          if (!(g <= 0)) {
            throw new IllegalArgumentException(
                String.format(
                    Locale.ROOT,
                    "expected a log decay <= 0, or -Infinity for a reset, at (b=%d, t=%d, h=%d), got %s",
                    b,
                    t,
                    h,
                    g));
          }
        }
      }
    }
  }
}
