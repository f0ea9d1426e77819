package org.retention4j.core.form;

import java.util.Arrays;

/**
 * Where the tokens of a piece stand in their sequences, some of which begin inside it.
 *
 * @since 0.1
 */
public final class Places {
  private static final int NONE = -1;

  private final int tokens;

  /** (B,N) tokens since the last reset in the piece, {@link #NONE} before any. */
  private final int[] since;

  /** Makes room for N tokens of B rows. */
  public Places(int batch, int tokens) {
    this.tokens = tokens;
    since = new int[batch * tokens];
  }

  /** Takes the resets before the first n tokens of a row; returns whether there are any. */
  public boolean start(int row, int n, Decays decays) {
    int end = n;
    for (int last = decays.lastReset(row, end); last >= 0; last = decays.lastReset(row, end)) {
      for (int t = last; t < end; t++) {
        since[row * tokens + t] = t - last;
      }
      end = last;
    }
    Arrays.fill(since, row * tokens, row * tokens + end, NONE);
    return end < n;
  }

  /** Returns whether a reset in the piece is the beginning of a token's sequence. */
  public boolean afterReset(int row, int token) {
    return since[row * tokens + token] != NONE;
  }

  /** Returns the position of a token behind a reset in the piece. */
  public int position(int row, int token) {
    return since[row * tokens + token];
  }
}
