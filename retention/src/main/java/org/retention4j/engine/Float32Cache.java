package org.retention4j.engine;

import java.util.Arrays;

/** Keys and values in fp32. */
final class Float32Cache extends FloatCache {
  /** Block, key element, token. */
  private float[][][] keys = {};

  /** Block, token, value element. */
  private float[][][] values = {};

  Float32Cache(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
  }

  @Override
  public int blocks() {
    return keys.length;
  }

  @Override
  public void grow(int blocks) {
    int old = keys.length;
    float[][][] moreKeys = Arrays.copyOf(keys, Math.max(old, blocks));
    float[][][] moreValues = Arrays.copyOf(values, Math.max(old, blocks));
    for (int i = old; i < blocks; i++) {
      moreKeys[i] = new float[keyWidth()][BLOCK];
      moreValues[i] = new float[BLOCK][valueWidth()];
    }
    keys = moreKeys;
    values = moreValues;
  }

  @Override
  public Float32Cache copy(int copiedBlocks) {
    Float32Cache copy = new Float32Cache(keyWidth(), valueWidth());
    copy.keys = new float[copiedBlocks][][];
    copy.values = new float[copiedBlocks][][];
    for (int i = 0; i < copiedBlocks; i++) {
      copy.keys[i] = copy(keys[i]);
      copy.values[i] = copy(values[i]);
    }
    return copy;
  }

  private static float[][] copy(float[][] rows) {
    float[][] copy = new float[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      copy[i] = rows[i].clone();
    }
    return copy;
  }

  @Override
  float[][] keys(int block, Kernels kernels, float[][] room) {
    return keys[block];
  }

  @Override
  float[][] values(int block, int n, Kernels kernels, float[][] room) {
    return values[block];
  }

  @Override
  void addScores(int block, Kernels kernels, float[] query, float[] sum) {
    kernels.addRows(keys[block], query, keyWidth(), sum, BLOCK);
  }

  @Override
  void addValues(int block, int n, Kernels kernels, float[] weights, float[] sum) {
    kernels.addRows(values[block], weights, n, sum, valueWidth());
  }

  @Override
  void put(int token, float[] key, float[] value) {
    float[][] rows = keys[token / BLOCK];
    for (int i = 0; i < keyWidth(); i++) {
      rows[i][token % BLOCK] = key[i];
    }
    System.arraycopy(value, 0, values[token / BLOCK][token % BLOCK], 0, valueWidth());
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK][element][token % BLOCK] = (float) value;
  }

  @Override
  public void setValue(int token, int element, double value) {
    values[token / BLOCK][token % BLOCK][element] = (float) value;
  }
}
