package org.retention4j.engine;

/** Keys and values in fp32. */
final class Float32Cache extends CacheHead {
  /** Block, key element, token. */
  final float[][][] keys;

  /** Block, token, value element. */
  final float[][][] values;

  Float32Cache(int capacity, int keyWidth, int valueWidth) {
    super(capacity, keyWidth, valueWidth);
    keys = new float[blocks()][keyWidth][BLOCK];
    values = new float[blocks()][BLOCK][valueWidth];
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK][element][token % BLOCK] = (float) value;
  }

  @Override
  public void setValue(int token, int element, double value) {
    values[token / BLOCK][token % BLOCK][element] = (float) value;
  }

  @Override
  public long bytes() {
    return (long) Float.BYTES * blocks() * BLOCK * (keyWidth() + valueWidth());
  }
}
