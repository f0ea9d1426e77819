package org.retention4j.core.form;

import java.util.Locale;
import org.retention4j.engine.ops.RowView;

/**
 * The log decays g of the tokens of one head of one sequence, and their sums; token 0 is the first.
 * A sum is never the difference of two others, which loses every digit when one token decays far.
 *
 * @since 0.1
 */
public final class Decays {
  private final double[] constants;
  private final RowView perToken;
  private long offset;
  private int batch;
  private int head;

  private Decays(double[] constants, RowView perToken) {
    this.constants = constants;
    this.perToken = perToken;
  }

  /** Returns decays that are constant per head: (H). */
  public static Decays constant(double[] perHead) {
    return new Decays(perHead, null);
  }

  /** Returns decays per token and head: (B,T,H) as rows of H. */
  public static Decays perToken(RowView rows) {
    return new Decays(null, rows);
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

  /** Returns the log decay g of one token, where W = 1. */
  public double of(long token) {
    return constants != null ? constants[head] : perToken.get(batch, offset + token, 0, head);
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

  /** Returns the log decay over the first n tokens. */
  public double total(int n) {
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
   * @throws IllegalArgumentException naming the first that is not finite and ≤ 0, or if the values
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
          if (!(g <= 0) || Double.isInfinite(g)) {
            throw new IllegalArgumentException(
                String.format(
                    Locale.ROOT,
                    "expected a log decay that is finite and <= 0 at (b=%d, t=%d, h=%d), got %s",
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
