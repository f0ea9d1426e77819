package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.StateDecay;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/** States of {@link Fp32HeadState}, the last tokens pending in them. */
final class Fp32State implements StateOps {
  private final Kernels kernels;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats third = new GrowableFloats();
  private final float[] pendingCoefficients = new float[Fp32HeadState.CAPACITY];

  Fp32State(Kernels kernels) {
    this.kernels = kernels;
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
  }

  @Override
  public void clear(HeadState state) {
    ((Fp32HeadState) state).clear();
  }

  @Override
  public void read(HeadState state, Tile dst) {
    Fp32HeadState head = (Fp32HeadState) state;
    head.fold(kernels);
    Fp32Tile tile = (Fp32Tile) dst;
    for (int k = 0; k < head.keyWidth(); k++) {
      tile.writeFrom(k, head.rows().array(k), head.rows().start(k), head.valueWidth());
    }
  }

  @Override
  public void decayAndAdd(HeadState state, double[] logDecay, int at, Tile update) {
    decayAndMirror(state, logDecay, at, update, null);
  }

  @Override
  public void decayAndAdd(HeadState state, double[] logDecay, int at, Tile update, Tile mirror) {
    decayAndMirror(state, logDecay, at, update, mirror);
  }

  /** Mirror is null for none. */
  private void decayAndMirror(
      HeadState state, double[] logDecay, int at, Tile update, Tile mirror) {
    Fp32HeadState head = (Fp32HeadState) state;
    Fp32Tile add = (Fp32Tile) update;
    Fp32Tile copy = (Fp32Tile) mirror;
    int width = head.valueWidth();
    float[] x = row(width);
    float amount = (float) StateDecay.amount(logDecay[at]);
    boolean isLoss = StateDecay.isLoss(logDecay[at]);
    float[][] rows = head.ownRows().arrays();
    for (int k = 0; k < head.keyWidth(); k++) {
      add.read(k, x, width);
      if (isLoss) {
        kernels.decayAndAdd(rows, k, width, amount, x);
      } else {
        kernels.scaleAndAdd(rows, k, width, amount, x);
      }
      if (copy != null) {
        copy.writeFrom(k, head.rows().array(k), head.rows().start(k), width);
      }
    }
  }

  @Override
  public void append(
      HeadState state, double[] logDecay, RowView k, RowView v, int batch, long token, int kvHead) {
    Fp32HeadState head = (Fp32HeadState) state;
    int i = head.append(logDecay[0], kernels);
    k.read(batch, token, kvHead, head.pendingKeys[i]);
    v.read(batch, token, kvHead, head.pendingValues[i]);
  }

  @Override
  public void readoutKeys(
      HeadState state, double scale, RowView v, RowView out, int batch, long token, int head) {
    Fp32HeadState h = (Fp32HeadState) state;
    h.fold(kernels);
    int width = h.valueWidth();
    float[] value = row(width);
    float[] s = second(width);
    float[] sums = third.atLeast(h.keyWidth());
    v.read(batch, token, head, value);
    for (int k = 0; k < h.keyWidth(); k++) {
      System.arraycopy(h.rows().array(k), h.rows().start(k), s, 0, width);
      sums[k] = (float) (scale * kernels.dot(s, value, width));
    }
    out.write(batch, token, head, sums);
  }

  @Override
  public void readout(
      HeadState state, double scale, RowView q, RowView out, int batch, long token, int head) {
    Fp32HeadState h = (Fp32HeadState) state;
    int keyWidth = h.keyWidth();
    int valueWidth = h.valueWidth();
    float[] query = row(keyWidth);
    float[] sum = second(valueWidth);
    q.read(batch, token, head, query);
    int pending = h.pending();
    for (int i = 0; i < pending; i++) {
      double score = kernels.dot(query, h.pendingKeys[i], keyWidth);
      pendingCoefficients[i] = (float) (score * Math.exp(h.decaySince(i)));
    }
    Arrays.fill(sum, 0, valueWidth, 0f);
    kernels.scale(query, keyWidth, (float) Math.exp(h.pendingDecay()));
    kernels.addRows(h.rows().arrays(), keyWidth, valueWidth, query, sum);
    kernels.addEach(h.pendingValues, pendingCoefficients, pending, sum, valueWidth);
    kernels.scale(sum, valueWidth, (float) scale);
    out.write(batch, token, head, sum);
    if (h.full()) {
      // The state has just been read and lies in the cache: folding now saves reading it again.
      h.fold(kernels);
    }
  }
}
