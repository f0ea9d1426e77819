package org.retention4j.engine.ops;

/**
 * The state S (K,V) of one head of one sequence, one array per key row.
 *
 * <p>A state may hold tokens that were appended but not yet folded into S; every reader sees the
 * state as if they were (see {@link StateOps#append}). Not safe for use by two threads at once.
 *
 * @since 0.1
 */
public abstract class HeadState {
  private final int keyWidth;
  private final int valueWidth;

  protected HeadState(int keyWidth, int valueWidth) {
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
  }

  /** Returns K. */
  public final int keyWidth() {
    return keyWidth;
  }

  /** Returns V. */
  public final int valueWidth() {
    return valueWidth;
  }

  /** Folds every pending token into S. */
  public abstract void fold();

  /**
   * Returns an independent state that continues bit for bit as this one would. The two may be used
   * by two threads.
   */
  public abstract HeadState copy();

  /** Says that it is used no more: what it shared with a copy is the copy's alone. */
  public void release() {}

  /** Copies row {@code key} of S without what is pending; see {@link #fold()}. */
  public abstract void readRow(int key, double[] into);

  /** Sets row {@code key}; discards nothing pending, so the caller folds first. */
  public abstract void writeRow(int key, double[] from);

  /** Returns how many tokens are pending. */
  public int pending() {
    return 0;
  }

  /** Returns the log decay of S from before the first pending token to now, ≤ 0. */
  public double pendingDecay() {
    return 0;
  }

  /**
   * Copies a pending token.
   *
   * @param index 0 … pending − 1
   * @param key receives K numbers
   * @param value receives V numbers
   * @return the log decay from it to now, ≤ 0
   */
  public double readPending(int index, double[] key, double[] value) {
    throw new IndexOutOfBoundsException("expected no token to be pending, got " + index);
  }

  /**
   * Adds tokens to a state with nothing pending, which was written as it was before them: S ← e^d S
   * + Σ e^(since_i) k_iᵀ v_i, now or later.
   *
   * @param decay d, log decay of S from before the first of them to now
   * @param since log decay from each of them to now
   * @param keys of each, K numbers
   * @param values of each, V numbers
   */
  public void writePending(double decay, double[] since, double[][] keys, double[][] values) {
    double[] row = new double[valueWidth];
    for (int k = 0; k < keyWidth; k++) {
      readRow(k, row);
      for (int j = 0; j < valueWidth; j++) {
        row[j] *= Math.exp(decay);
        for (int i = 0; i < since.length; i++) {
          row[j] += Math.exp(since[i]) * keys[i][k] * values[i][j];
        }
      }
      writeRow(k, row);
    }
  }

  /** Forgets all tokens, and overwrites what is left of them. */
  public void wipe() {
    fold();
    double[] zeros = new double[valueWidth];
    for (int k = 0; k < keyWidth; k++) {
      writeRow(k, zeros);
    }
  }

  /** Returns the bytes held, pending tokens included. */
  public abstract long bytes();
}
