package org.retention4j.engine;

/**
 * The state S (K,V) of one head of one sequence, one array per key row.
 *
 * <p>A state may hold tokens that were appended but not yet folded into S; every reader sees the
 * state as if they were (see {@link Lane#append}). Not safe for use by two threads at once.
 */
public abstract sealed class HeadState permits Float32Head, Float64Head {
  private final int keyWidth;
  private final int valueWidth;

  HeadState(int keyWidth, int valueWidth) {
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
  }

  /** Returns a zero state. */
  public static HeadState zeros(ElementType type, int keyWidth, int valueWidth) {
    return type == ElementType.FLOAT32
        ? new Float32Head(keyWidth, valueWidth)
        : new Float64Head(keyWidth, valueWidth);
  }

  /** Returns the bytes that a state of a type holds, pending tokens included. */
  public static long bytes(ElementType type, int keyWidth, int valueWidth) {
    return type == ElementType.FLOAT32
        ? Float32Head.bytes(keyWidth, valueWidth)
        : Float64Head.bytes(keyWidth, valueWidth);
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
