package org.retention4j.engine;

/**
 * One head's state in fp32 with up to {@value #CAPACITY} pending tokens.
 *
 * <p>Decoding reads S once per token and writes it once per {@value #CAPACITY} tokens: with pending
 * (k_i, v_i) and G the decay since the last fold, q S = e^G q S₀ + Σ e^(G−G_i) (q·k_i) v_i.
 */
final class Float32Head extends HeadState {
  static final int CAPACITY = 16;

  private float[][] s;
  final float[][] pendingKeys;
  final float[][] pendingValues;

  /** The log decay from each pending token to now, ≤ 0; summed for each, never subtracted. */
  private final double[] since = new double[CAPACITY];

  private final float[] scratch = new float[CAPACITY];
  private double sinceFold;
  private int pending;

  Float32Head(int keyWidth, int valueWidth) {
    this(keyWidth, valueWidth, Provider.best().kernels().flatStates());
  }

  private Float32Head(int keyWidth, int valueWidth, boolean flat) {
    super(keyWidth, valueWidth);
    s = flat ? new float[1][keyWidth * valueWidth] : new float[keyWidth][valueWidth];
    pendingKeys = new float[CAPACITY][keyWidth];
    pendingValues = new float[CAPACITY][valueWidth];
  }

  private boolean flat() {
    return s.length == 1;
  }

  /** Returns S in the layout of a provider; changes the layout if another had it before. */
  float[][] rows(Kernels kernels) {
    if (kernels.flatStates() != flat() && keyWidth() > 1) {
      Float32Head other = new Float32Head(keyWidth(), valueWidth(), kernels.flatStates());
      for (int k = 0; k < keyWidth(); k++) {
        System.arraycopy(array(k), start(k), other.array(k), other.start(k), valueWidth());
      }
      s = other.s;
    }
    return s;
  }

  /** Returns the array that holds row {@code k}, from {@link #start} on. */
  float[] array(int k) {
    return flat() ? s[0] : s[k];
  }

  int start(int k) {
    return flat() ? k * valueWidth() : 0;
  }

  int pending() {
    return pending;
  }

  /** Returns whether the next token must be preceded by a fold. */
  boolean full() {
    return pending == CAPACITY;
  }

  /** Returns the log decay from the last fold to now, ≤ 0. */
  double decaySinceFold() {
    return sinceFold;
  }

  /** Returns the log decay from pending token {@code i} to now, ≤ 0. */
  double decaySince(int i) {
    return since[i];
  }

  /** Makes room for one more pending token, decayed by {@code logDecay}, and returns its index. */
  int append(double logDecay, Kernels kernels) {
    if (pending == CAPACITY) {
      fold(kernels);
    }
    for (int i = 0; i < pending; i++) {
      since[i] += logDecay;
    }
    sinceFold += logDecay;
    since[pending] = 0;
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
    kernels.fold(
        rows(kernels),
        keyWidth(),
        valueWidth(),
        loss,
        pendingKeys,
        pendingValues,
        pending,
        scratch);
    pending = 0;
    sinceFold = 0;
  }

  @Override
  public Float32Head copy() {
    Float32Head copy = new Float32Head(keyWidth(), valueWidth(), flat());
    for (int i = 0; i < s.length; i++) {
      System.arraycopy(s[i], 0, copy.s[i], 0, s[i].length);
    }
    for (int i = 0; i < pending; i++) {
      System.arraycopy(pendingKeys[i], 0, copy.pendingKeys[i], 0, keyWidth());
      System.arraycopy(pendingValues[i], 0, copy.pendingValues[i], 0, valueWidth());
      copy.since[i] = since[i];
    }
    copy.pending = pending;
    copy.sinceFold = sinceFold;
    return copy;
  }

  @Override
  public void readRow(int key, double[] into) {
    for (int j = 0; j < valueWidth(); j++) {
      into[j] = array(key)[start(key) + j];
    }
  }

  @Override
  public void writeRow(int key, double[] from) {
    for (int j = 0; j < valueWidth(); j++) {
      array(key)[start(key) + j] = (float) from[j];
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
