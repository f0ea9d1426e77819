package org.retention4j.engine;

/** One head's state in float64; nothing is ever pending. */
final class Float64Head extends HeadState {
  final double[][] s;

  Float64Head(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
    s = new double[keyWidth][valueWidth];
  }

  @Override
  public void fold() {}

  @Override
  public Float64Head copy() {
    Float64Head copy = new Float64Head(keyWidth(), valueWidth());
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

  static long bytes(int keyWidth, int valueWidth) {
    return (long) Double.BYTES * keyWidth * valueWidth;
  }
}
