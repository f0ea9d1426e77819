package org.retention4j.internal.float64;

import org.retention4j.engine.ops.HeadState;

/** One head's state in float64; nothing is ever pending. */
public final class Fp64HeadState extends HeadState {
  final double[][] s;

  /** Makes zeros. */
  public Fp64HeadState(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
    s = new double[keyWidth][valueWidth];
  }

  @Override
  public void fold() {}

  @Override
  public Fp64HeadState copy() {
    Fp64HeadState copy = new Fp64HeadState(keyWidth(), valueWidth());
    for (int k = 0; k < keyWidth(); k++) {
      System.arraycopy(s[k], 0, copy.s[k], 0, valueWidth());
    }
    return copy;
  }

  @Override
  public void readRow(int key, double[] into) {
    System.arraycopy(s[key], 0, into, 0, valueWidth());
  }

  @Override
  public void writeRow(int key, double[] from) {
    System.arraycopy(from, 0, s[key], 0, valueWidth());
  }

  @Override
  public long bytes() {
    return bytes(keyWidth(), valueWidth());
  }

  /** Returns the bytes of a state. */
  public static long bytes(int keyWidth, int valueWidth) {
    return (long) Double.BYTES * keyWidth * valueWidth;
  }
}
