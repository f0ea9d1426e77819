package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.StateDecay;

/**
 * One head's state in fp32 with up to {@value #CAPACITY} pending tokens.
 *
 * <p>Decoding reads S once per token and writes it once per {@value #CAPACITY} tokens: with pending
 * (k_i, v_i) and G the decay since the last fold, q S = e^G q S₀ + Σ e^(G−G_i) (q·k_i) v_i.
 */
final class Fp32HeadState extends HeadState {
  static final int CAPACITY = 16;

  private final Fp32Layout layout;
  private final Fp32Matrix s;
  final float[][] pendingKeys;
  final float[][] pendingValues;

  /** The log decay from each pending token to now, ≤ 0; summed for each, never subtracted. */
  private final double[] since = new double[CAPACITY];

  private final float[] scratch = new float[CAPACITY];
  private double sinceFold;
  private int pending;

  Fp32HeadState(int keyWidth, int valueWidth, Fp32Layout layout) {
    this(keyWidth, valueWidth, layout, new Fp32Matrix(keyWidth, valueWidth, layout.flat()));
  }

  private Fp32HeadState(int keyWidth, int valueWidth, Fp32Layout layout, Fp32Matrix s) {
    super(keyWidth, valueWidth);
    this.layout = layout;
    this.s = s;
    pendingKeys = new float[CAPACITY][keyWidth];
    pendingValues = new float[CAPACITY][valueWidth];
  }

  /** Returns S without its pending tokens. */
  Fp32Matrix rows() {
    return s;
  }

  @Override
  public int pending() {
    return pending;
  }

  @Override
  public double pendingDecay() {
    return sinceFold;
  }

  @Override
  public double readPending(int index, double[] key, double[] value) {
    for (int k = 0; k < keyWidth(); k++) {
      key[k] = pendingKeys[index][k];
    }
    for (int j = 0; j < valueWidth(); j++) {
      value[j] = pendingValues[index][j];
    }
    return since[index];
  }

  @Override
  public void writePending(double decay, double[] decays, double[][] keys, double[][] values) {
    if (pending > 0) {
      throw new IllegalStateException("expected no token to be pending, got " + pending);
    }
    if (decays.length > CAPACITY) {
      super.writePending(decay, decays, keys, values);
      return;
    }
    for (int i = 0; i < decays.length; i++) {
      for (int k = 0; k < keyWidth(); k++) {
        pendingKeys[i][k] = (float) keys[i][k];
      }
      for (int j = 0; j < valueWidth(); j++) {
        pendingValues[i][j] = (float) values[i][j];
      }
      since[i] = decays[i];
    }
    pending = decays.length;
    sinceFold = decay;
  }

  /** Returns whether the next token must be preceded by a fold. */
  boolean full() {
    return pending == CAPACITY;
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

  /** S ← 0, with nothing pending. */
  void clear() {
    for (int k = 0; k < keyWidth(); k++) {
      Arrays.fill(s.array(k), s.start(k), s.start(k) + valueWidth(), 0f);
    }
    pending = 0;
    sinceFold = 0;
  }

  @Override
  public void wipe() {
    clear();
    for (int i = 0; i < CAPACITY; i++) {
      Arrays.fill(pendingKeys[i], 0f);
      Arrays.fill(pendingValues[i], 0f);
    }
  }

  @Override
  public void fold() {
    if (pending > 0) {
      fold(layout.kernels());
    }
  }

  void fold(Kernels kernels) {
    if (pending == 0) {
      return;
    }
    for (int i = 0; i < pending; i++) {
      kernels.scale(pendingKeys[i], keyWidth(), (float) Math.exp(decaySince(i)));
    }
    kernels.fold(
        s.arrays(),
        keyWidth(),
        valueWidth(),
        (float) StateDecay.amount(sinceFold),
        StateDecay.isLoss(sinceFold),
        pendingKeys,
        pendingValues,
        pending,
        scratch);
    pending = 0;
    sinceFold = 0;
  }

  @Override
  public Fp32HeadState copy() {
    Fp32HeadState copy = new Fp32HeadState(keyWidth(), valueWidth(), layout, s.copy());
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
    float[] from = s.array(key);
    int start = s.start(key);
    int width = valueWidth();
    for (int j = 0; j < width; j++) {
      into[j] = from[start + j];
    }
  }

  @Override
  public void writeRow(int key, double[] from) {
    float[] to = s.array(key);
    int start = s.start(key);
    int width = valueWidth();
    for (int j = 0; j < width; j++) {
      to[start + j] = (float) from[j];
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
