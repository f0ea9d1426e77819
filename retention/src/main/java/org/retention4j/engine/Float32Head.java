package org.retention4j.engine;

/**
 * One head's state in fp32 with up to {@value #CAPACITY} pending tokens.
 *
 * <p>Decoding reads S once per token and writes it once per {@value #CAPACITY} tokens: with pending
 * (k_i, v_i) and G the decay since the last fold, q S = e^G q S₀ + Σ e^(G−G_i) (q·k_i) v_i.
 */
final class Float32Head extends HeadState {
  static final int CAPACITY = 16;

  final float[][] s;
  final float[][] pendingKeys;
  final float[][] pendingValues;
  private final double[] decays = new double[CAPACITY];
  private final float[] column = new float[CAPACITY];
  private int pending;

  Float32Head(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
    s = new float[keyWidth][valueWidth];
    pendingKeys = new float[CAPACITY][keyWidth];
    pendingValues = new float[CAPACITY][valueWidth];
  }

  int pending() {
    return pending;
  }

  /** Returns the log decay from the last fold to now, ≤ 0. */
  double decaySinceFold() {
    return pending == 0 ? 0 : decays[pending - 1];
  }

  /** Returns the log decay from pending token {@code i} to now, ≤ 0. */
  double decaySince(int i) {
    return decays[pending - 1] - decays[i];
  }

  /** Makes room for one more pending token, decayed by {@code logDecay}, and returns its index. */
  int append(double logDecay, Kernels kernels) {
    if (pending == CAPACITY) {
      fold(kernels);
    }
    decays[pending] = decaySinceFold() + logDecay;
    return pending++;
  }

  @Override
  public void fold() {
    fold(Provider.best().kernels());
  }

  void fold(Kernels kernels) {
    if (pending == 0) {
      return;
    }
    for (int i = 0; i < pending; i++) {
      kernels.scale(pendingKeys[i], keyWidth(), (float) Math.exp(decaySince(i)));
    }
    float loss = (float) -Math.expm1(decaySinceFold());
    for (int k = 0; k < keyWidth(); k++) {
      for (int i = 0; i < pending; i++) {
        column[i] = pendingKeys[i][k];
      }
      kernels.decay(s[k], loss, valueWidth());
      kernels.addRows(pendingValues, column, pending, s[k], valueWidth());
    }
    pending = 0;
  }

  @Override
  public Float32Head copy() {
    Float32Head copy = new Float32Head(keyWidth(), valueWidth());
    for (int k = 0; k < keyWidth(); k++) {
      System.arraycopy(s[k], 0, copy.s[k], 0, valueWidth());
    }
    for (int i = 0; i < pending; i++) {
      System.arraycopy(pendingKeys[i], 0, copy.pendingKeys[i], 0, keyWidth());
      System.arraycopy(pendingValues[i], 0, copy.pendingValues[i], 0, valueWidth());
      copy.decays[i] = decays[i];
    }
    copy.pending = pending;
    return copy;
  }

  @Override
  public void readRow(int key, double[] into) {
    for (int j = 0; j < valueWidth(); j++) {
      into[j] = s[key][j];
    }
  }

  @Override
  public void writeRow(int key, double[] from) {
    for (int j = 0; j < valueWidth(); j++) {
      s[key][j] = (float) from[j];
    }
  }

  @Override
  public long bytes() {
    return bytes(keyWidth(), valueWidth());
  }

  static long bytes(int keyWidth, int valueWidth) {
    long k = keyWidth;
    long v = valueWidth;
    return Float.BYTES * (k * v + CAPACITY * (k + v));
  }
}
