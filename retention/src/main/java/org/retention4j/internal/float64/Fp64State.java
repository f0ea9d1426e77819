package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.StateDecay;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;

/** States in double precision, nothing pending. */
final class Fp64State implements StateOps {
  private double[] row = new double[64];
  private double[] second = new double[64];

  private double[] row(int n) {
    if (row.length < n) {
      row = new double[n];
    }
    return row;
  }

  private double[] second(int n) {
    if (second.length < n) {
      second = new double[n];
    }
    return second;
  }

  @Override
  public void clear(HeadState state) {
    for (double[] s : ((Fp64HeadState) state).s) {
      Arrays.fill(s, 0);
    }
  }

  @Override
  public void read(HeadState state, Tile dst) {
    Fp64HeadState head = (Fp64HeadState) state;
    Fp64Tile tile = (Fp64Tile) dst;
    for (int k = 0; k < head.keyWidth(); k++) {
      System.arraycopy(head.s[k], 0, tile.row(k), tile.column(), head.valueWidth());
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
    Fp64HeadState head = (Fp64HeadState) state;
    Fp64Tile add = (Fp64Tile) update;
    double amount = StateDecay.amount(logDecay[at]);
    boolean isLoss = StateDecay.isLoss(logDecay[at]);
    for (int k = 0; k < head.keyWidth(); k++) {
      double[] s = head.s[k];
      double[] x = add.row(k);
      for (int v = 0; v < s.length; v++) {
        s[v] = StateDecay.apply(amount, isLoss, s[v], x[add.column() + v]);
      }
    }
    if (mirror != null) {
      read(state, mirror);
    }
  }

  @Override
  public void append(
      HeadState state, double[] logDecay, RowView k, RowView v, int batch, long token, int kvHead) {
    Fp64HeadState head = (Fp64HeadState) state;
    double[] key = row(head.keyWidth());
    double[] value = second(head.valueWidth());
    k.read(batch, token, kvHead, key);
    v.read(batch, token, kvHead, value);
    double amount = StateDecay.amount(logDecay[0]);
    boolean isLoss = StateDecay.isLoss(logDecay[0]);
    for (int i = 0; i < head.keyWidth(); i++) {
      addDecayed(head.s[i], amount, isLoss, key[i], value, head.valueWidth());
    }
  }

  private static void addDecayed(
      double[] s, double amount, boolean isLoss, double k, double[] v, int n) {
    for (int j = 0; j < n; j++) {
      s[j] = Math.fma(k, v[j], StateDecay.apply(amount, isLoss, s[j], 0));
    }
  }

  @Override
  public void readoutKeys(
      HeadState state, double scale, RowView v, RowView out, int batch, long token, int head) {
    Fp64HeadState h = (Fp64HeadState) state;
    double[] value = row(h.valueWidth());
    double[] sums = second(h.keyWidth());
    v.read(batch, token, head, value);
    for (int k = 0; k < h.keyWidth(); k++) {
      double sum = 0;
      for (int j = 0; j < h.valueWidth(); j++) {
        sum += h.s[k][j] * value[j];
      }
      sums[k] = scale * sum;
    }
    out.write(batch, token, head, sums);
  }

  @Override
  public void readout(
      HeadState state, double scale, RowView q, RowView out, int batch, long token, int head) {
    Fp64HeadState h = (Fp64HeadState) state;
    double[] query = row(h.keyWidth());
    double[] sum = second(h.valueWidth());
    q.read(batch, token, head, query);
    Arrays.fill(sum, 0, h.valueWidth(), 0);
    for (int k = 0; k < h.keyWidth(); k++) {
      Fp64Product.addScaled(query[k], h.s[k], sum, h.valueWidth());
    }
    for (int j = 0; j < h.valueWidth(); j++) {
      sum[j] *= scale;
    }
    out.write(batch, token, head, sum);
  }
}
