package org.retention4j.engine;

import java.util.Arrays;

/** Keys and values in float64. */
final class Float64Cache extends CacheHead {
  /** Block, key element, token. */
  double[][][] keys = {};

  /** Block, token, value element. */
  double[][][] values = {};

  Float64Cache(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
  }

  @Override
  public int blocks() {
    return keys.length;
  }

  @Override
  public void grow(int blocks) {
    int old = keys.length;
    keys = Arrays.copyOf(keys, Math.max(old, blocks));
    values = Arrays.copyOf(values, keys.length);
    for (int i = old; i < keys.length; i++) {
      keys[i] = new double[keyWidth()][BLOCK];
      values[i] = new double[BLOCK][valueWidth()];
    }
  }

  @Override
  public Float64Cache copy(int copiedBlocks) {
    Float64Cache copy = new Float64Cache(keyWidth(), valueWidth());
    copy.grow(copiedBlocks);
    for (int b = 0; b < copiedBlocks; b++) {
      for (int i = 0; i < keyWidth(); i++) {
        System.arraycopy(keys[b][i], 0, copy.keys[b][i], 0, BLOCK);
      }
      for (int i = 0; i < BLOCK; i++) {
        System.arraycopy(values[b][i], 0, copy.values[b][i], 0, valueWidth());
      }
    }
    return copy;
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK][element][token % BLOCK] = value;
  }

  @Override
  public void setValue(int token, int element, double value) {
    values[token / BLOCK][token % BLOCK][element] = value;
  }
}
