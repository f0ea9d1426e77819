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

  /** Returns an independent state that continues bit for bit as this one would. */
  public abstract HeadState copy();

  /** Copies row {@code key} of the folded state; the caller has called {@link #fold()}. */
  public abstract void readRow(int key, double[] into);

  /** Sets row {@code key}; discards nothing pending, so the caller folds first. */
  public abstract void writeRow(int key, double[] from);

  /** Returns the bytes held, pending tokens included. */
  public abstract long bytes();
}
