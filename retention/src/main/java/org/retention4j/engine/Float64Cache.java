package org.retention4j.engine;

/** Keys and values in float64. */
final class Float64Cache extends CacheHead {
  /** Block, key element, token. */
  final double[][][] keys;

  /** Block, token, value element. */
  final double[][][] values;

  Float64Cache(int capacity, int keyWidth, int valueWidth) {
    super(capacity, keyWidth, valueWidth);
    keys = new double[blocks()][keyWidth][BLOCK];
    values = new double[blocks()][BLOCK][valueWidth];
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK][element][token % BLOCK] = value;
  }

  @Override
  public void setValue(int token, int element, double value) {
    values[token / BLOCK][token % BLOCK][element] = value;
  }

  @Override
  public long bytes() {
    return (long) Double.BYTES * blocks() * BLOCK * (keyWidth() + valueWidth());
  }
}
