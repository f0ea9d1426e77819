package org.retention4j.internal.float32;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.StateDecay;

/**
 * One head's state in fp32 with up to {@value #CAPACITY} pending tokens.
 *
 * <p>Decoding reads S once per token and writes it once per {@value #CAPACITY} tokens: with pending
 * (k_i, v_i) and G the decay since the last fold, q S = e^G q S₀ + Σ e^(G−G_i) (q·k_i) v_i.
 *
 * <p>A copy has its own pending tokens and the same S, until one of the two is to write it.
 */
final class Fp32HeadState extends HeadState {
  static final int CAPACITY = 16;

  private final Fp32Layout layout;
  private Shared s;
  final float[][] pendingKeys;
  final float[][] pendingValues;

  /** The log decay from each pending token to now, ≤ 0; summed for each, never subtracted. */
  private final double[] since = new double[CAPACITY];

  private final float[] scratch = new float[CAPACITY];
  private double sinceFold;
  private int pending;

  /** S, and how many states read it. */
  private static final class Shared {
    private final Fp32Matrix rows;
    private final AtomicInteger states = new AtomicInteger(1);

    /** Whether the last one that leaves it overwrites it. */
    private volatile boolean wiped;

    Shared(Fp32Matrix rows) {
      this.rows = rows;
    }

    /** Only one that has it can share it: what is one's own stays so. */
    boolean byOthers() {
      return states.get() > 1;
    }

    void leave() {
      if (states.decrementAndGet() == 0 && wiped) {
        rows.clear();
      }
    }
  }

  Fp32HeadState(int keyWidth, int valueWidth, Fp32Layout layout) {
    this(keyWidth, valueWidth, layout, new Shared(zeros(keyWidth, valueWidth, layout)));
  }

  private Fp32HeadState(int keyWidth, int valueWidth, Fp32Layout layout, Shared s) {
    super(keyWidth, valueWidth);
    this.layout = layout;
    this.s = s;
    pendingKeys = new float[CAPACITY][];
    pendingValues = new float[CAPACITY][];
  }

  private static Fp32Matrix zeros(int keyWidth, int valueWidth, Fp32Layout layout) {
    return new Fp32Matrix(keyWidth, valueWidth, layout.flat());
  }

  /** Returns S without its pending tokens, to be read. */
  Fp32Matrix rows() {
    return s.rows;
  }

  /** Returns S without its pending tokens, to be written. */
  Fp32Matrix ownRows() {
    if (s.byOthers()) {
      replace(s.rows.copy());
    }
    return s.rows;
  }

  private void replace(Fp32Matrix own) {
    s.leave();
    s = new Shared(own);
  }

  @Override
  public void release() {
    s.leave();
  }

  /** Makes the arrays of a pending token, unless there was one before in its place. */
  private void makeRoom(int i) {
    if (pendingKeys[i] == null) {
      pendingKeys[i] = new float[keyWidth()];
      pendingValues[i] = new float[valueWidth()];
    }
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
      makeRoom(i);
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
    makeRoom(pending);
    return pending++;
  }

  /** S ← 0, with nothing pending. */
  void clear() {
    if (s.byOthers()) {
      replace(zeros(keyWidth(), valueWidth(), layout));
    } else {
      s.rows.clear();
    }
    pending = 0;
    sinceFold = 0;
  }

  /** What is shared is overwritten when the others have closed or changed theirs. */
  @Override
  public void wipe() {
    s.wiped = true;
    clear();
    for (int i = 0; i < CAPACITY && pendingKeys[i] != null; i++) {
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
        ownRows().arrays(),
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
    Fp32HeadState copy = new Fp32HeadState(keyWidth(), valueWidth(), layout, s);
    s.states.incrementAndGet();
    for (int i = 0; i < pending; i++) {
      copy.makeRoom(i);
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
    float[] from = rows().array(key);
    int start = rows().start(key);
    int width = valueWidth();
    for (int j = 0; j < width; j++) {
      into[j] = from[start + j];
    }
  }

  @Override
  public void writeRow(int key, double[] from) {
    float[] to = ownRows().array(key);
    int start = rows().start(key);
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
