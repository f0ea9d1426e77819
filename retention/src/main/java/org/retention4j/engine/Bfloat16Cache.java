package org.retention4j.engine;

import java.util.Arrays;

/** Keys and values in bf16, widened when they are read. */
final class Bfloat16Cache extends FloatCache {
  /** Block, key element, token. */
  private short[][][] keys = {};

  /** Block, token, value element. */
  private short[][][] values = {};

  Bfloat16Cache(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
  }

  @Override
  public int blocks() {
    return keys.length;
  }

  @Override
  public void grow(int blocks) {
    int old = keys.length;
    short[][][] moreKeys = Arrays.copyOf(keys, Math.max(old, blocks));
    short[][][] moreValues = Arrays.copyOf(values, Math.max(old, blocks));
    for (int i = old; i < blocks; i++) {
      moreKeys[i] = new short[keyWidth()][BLOCK];
      moreValues[i] = new short[BLOCK][valueWidth()];
    }
    keys = moreKeys;
    values = moreValues;
  }

  @Override
  public Bfloat16Cache copy(int copiedBlocks) {
    Bfloat16Cache copy = new Bfloat16Cache(keyWidth(), valueWidth());
    copy.keys = new short[copiedBlocks][][];
    copy.values = new short[copiedBlocks][][];
    for (int i = 0; i < copiedBlocks; i++) {
      copy.keys[i] = copy(keys[i]);
      copy.values[i] = copy(values[i]);
    }
    return copy;
  }

  private static short[][] copy(short[][] rows) {
    short[][] copy = new short[rows.length][];
    for (int i = 0; i < rows.length; i++) {
      copy[i] = rows[i].clone();
    }
    return copy;
  }

  @Override
  float[][] keys(int block, Kernels kernels, float[][] room) {
    for (int i = 0; i < keyWidth(); i++) {
      kernels.widen(keys[block][i], room[i], BLOCK);
    }
    return room;
  }

  @Override
  float[][] values(int block, int n, Kernels kernels, float[][] room) {
    for (int i = 0; i < n; i++) {
      kernels.widen(values[block][i], room[i], valueWidth());
    }
    return room;
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
    short[][] rows = keys[token / BLOCK];
    for (int i = 0; i < keyWidth(); i++) {
      rows[i][token % BLOCK] = Bfloat16.fromFloat(key[i]);
    }
    Bfloat16.fromFloats(value, values[token / BLOCK][token % BLOCK], valueWidth());
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK][element][token % BLOCK] = Bfloat16.fromFloat((float) value);
  }

  @Override
  public void setValue(int token, int element, double value) {
    values[token / BLOCK][token % BLOCK][element] = Bfloat16.fromFloat((float) value);
  }
}
