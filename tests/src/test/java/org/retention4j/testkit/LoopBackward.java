package org.retention4j.testkit;

import java.util.Arrays;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCore;

/** A backward pass as a user might write it, with a switch for each defect. */
@ExtendWith(DefectExtension.class)
class LoopBackward implements RetentionBackwardContract {
  private static final int CHUNK = 16;

  private final Defect defect;

  LoopBackward(Defect defect) {
    this.defect = defect;
  }

  @Override
  public DataType dataType() {
    return DataType.DOUBLE;
  }

  /** The arrays of a call, and what is made of them. */
  private static final class Work {
    final FormCall call;
    final int tokens;
    final int heads;
    final int kvHeads;
    final int keys;
    final int values;
    final double[] q;
    final double[] k;
    final double[] v;
    final double[] dOut;
    final double[] dq;
    final double[] dk;
    final double[] dv;
    final double[] dg;
    final double[] dInitial;

    Work(BackwardCall backward) {
      call = backward.forward();
      tokens = call.tokens();
      heads = (int) call.q().size(2);
      kvHeads = (int) call.k().size(2);
      keys = (int) call.q().size(3);
      values = (int) call.v().size(3);
      q = Tensors.flat(call.q());
      k = Tensors.flat(call.k());
      v = Tensors.flat(call.v());
      dOut = Tensors.flat(backward.dOutput());
      dq = new double[q.length];
      dk = new double[k.length];
      dv = new double[v.length];
      dg = new double[(int) call.q().size(0) * tokens * heads];
      dInitial = Tensors.flat(backward.dState());
    }

    int at(int b, int t, int head, int count, int width) {
      return ((b * tokens + t) * count + head) * width;
    }

    boolean resets(int b, int t, int h) {
      return call.resets().at(b, t) || g(b, t, h) == Double.NEGATIVE_INFINITY;
    }

    double g(int b, int t, int h) {
      return call.decay() instanceof LogDecay.PerHead constant
          ? constant.of(h)
          : ((LogDecay.PerToken) call.decay()).values().getDouble(b, t, h);
    }
  }

  @Override
  public RetentionCore.Gradient backward(BackwardCall call) {
    check(call);
    Work w = new Work(call);
    double[] initial = Tensors.flat(call.forward().state());
    int batch = (int) call.forward().q().size(0);
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < w.heads; h++) {
        head(w, b, h, initial);
      }
    }
    boolean constant = call.forward().constantDecay();
    double[] sums = new double[w.heads];
    for (int i = 0; i < w.dg.length; i++) {
      sums[i % w.heads] += w.dg[i];
    }
    if (defect == Defect.INPUT_STATE_MODIFIED) {
      call.dState().assign(1);
    }
    DataType type = dataType();
    return new RetentionCore.Gradient(
        Tensors.of(w.dq, type, call.forward().q().shape()),
        Tensors.of(w.dk, type, call.forward().k().shape()),
        Tensors.of(w.dv, type, call.forward().v().shape()),
        constant
            ? Tensors.of(sums, type, w.heads)
            : Tensors.of(w.dg, type, batch, w.tokens, w.heads),
        Tensors.of(w.dInitial, type, call.dState().shape()));
  }

  private void check(BackwardCall call) {
    INDArray q = call.forward().q();
    long[] shape = {q.size(0), q.size(1), q.size(2), call.forward().v().size(3)};
    boolean fits = Arrays.equals(call.dOutput().shape(), shape);
    fits &= Arrays.equals(call.dState().shape(), call.forward().state().shape());
    fits &= call.dOutput().dataType() == dataType() && call.dState().dataType() == dataType();
    if (!fits && defect != Defect.NOTHING_REFUSED) {
      throw new IllegalArgumentException("expected gradients of the outputs' and state's shape");
    }
  }

  private void head(Work w, int b, int h, double[] initial) {
    int n = w.call.lengths()[b];
    int size = w.keys * w.values;
    int from = (b * w.heads + h) * size;
    double[][] states = new double[n + 1][];
    states[0] = Arrays.copyOfRange(initial, from, from + size);
    double[][] kept = new double[n][];
    for (int t = 0; t < n; t++) {
      kept[t] = decayed(states[t], w.g(b, t, h), w.resets(b, t, h));
      states[t + 1] = kept[t].clone();
      addOuter(
          states[t + 1],
          w.k,
          w.at(b, t, kv(w, h), w.kvHeads, w.keys),
          w.v,
          w.at(b, t, kv(w, h), w.kvHeads, w.values),
          w.values,
          1);
    }
    double[] p = Arrays.copyOfRange(w.dInitial, from, from + size);
    if (defect == Defect.FINAL_STATE_IGNORED) {
      Arrays.fill(p, 0);
    }
    if (defect == Defect.PADDING_DECAYS && n > 0) {
      p = decayed(p, (w.tokens - n) * w.g(b, 0, h), false);
    }
    int last = defect == Defect.PADDING_HAS_GRADIENT && n > 0 ? w.tokens - 1 : n - 1;
    for (int t = last; t >= 0; t--) {
      token(w, b, h, t, p, states[Math.min(t, n - 1) + 1], kept[Math.min(t, n - 1)]);
      if (t < n) {
        p = before(w, b, h, t, p);
      }
    }
    System.arraycopy(p, 0, w.dInitial, from, size);
  }

  private static int kv(Work w, int h) {
    return h / (w.heads / w.kvHeads);
  }

  private void token(Work w, int b, int h, int t, double[] p, double[] state, double[] kept) {
    int out = w.at(b, t, h, w.heads, w.values);
    int query = w.at(b, t, h, w.heads, w.keys);
    int key = w.at(b, t, kv(w, h), w.kvHeads, w.keys);
    int value = w.at(b, t, kv(w, h), w.kvHeads, w.values);
    double scale = w.call.scale();
    double[] read = defect == Defect.OUTPUT_BEFORE_UPDATE ? kept : state;
    double[] old = p.clone();
    addOuter(p, w.q, query, w.dOut, out, w.values, defect == Defect.SCALE_LOST ? 1 : scale);
    double[] of = defect == Defect.OWN_OUTPUT_FORGOTTEN ? old : p;
    boolean first = defect == Defect.SHARED_KEYS_COUNTED_ONCE && h % (w.heads / w.kvHeads) > 0;
    for (int i = 0; i < w.keys; i++) {
      for (int j = 0; j < w.values; j++) {
        int at = i * w.values + j;
        w.dq[query + i] += scale * w.dOut[out + j] * read[at];
        if (defect == Defect.NAN_OF_THE_FUTURE_LEAKS && t + 1 < w.tokens) {
          int next = w.at(b, t + 1, kv(w, h), w.kvHeads, w.keys);
          w.dq[query + i] += 0 * w.k[next + i];
        }
        if (!first) {
          w.dk[key + i] += w.v[value + j] * of[at];
          w.dv[value + j] += w.k[key + i] * of[at];
        }
        int place = defect == Defect.DECAY_OF_ANOTHER_TOKEN ? Math.min(t + 1, w.tokens - 1) : t;
        w.dg[(b * w.tokens + place) * w.heads + h] += kept[at] * p[at];
      }
    }
  }

  /** Takes P over the decay before a token. */
  private double[] before(Work w, int b, int h, int t, double[] p) {
    boolean reset = w.resets(b, t, h) && defect != Defect.RESET_IS_CROSSED;
    double g = w.g(b, t, h) == Double.NEGATIVE_INFINITY ? 0 : w.g(b, t, h);
    if (defect == Defect.STATE_GRADIENT_DROPPED_AT_A_CHUNK && t > 0 && t % CHUNK == 0) {
      return new double[p.length];
    }
    if (defect == Defect.INITIAL_STATE_NOT_DECAYED && t == 0 && !reset) {
      return p;
    }
    return decayed(p, g, reset);
  }

  private static double[] decayed(double[] x, double g, boolean reset) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length && !reset; i++) {
      y[i] = Math.exp(g) * x[i];
    }
    return y;
  }

  private static void addOuter(
      double[] to, double[] a, int aAt, double[] b, int bAt, int width, double factor) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * a[aAt + i / width] * b[bAt + i % width];
    }
  }
}
