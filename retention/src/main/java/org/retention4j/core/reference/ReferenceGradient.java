package org.retention4j.core.reference;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;

/**
 * The gradients of the recurrence in plain float64, token by token with every state kept: with P_T
 * = scale·q_Tᵀ do_T + dS_T and P_t = scale·q_tᵀ do_t + e^(g_(t+1)) P_(t+1),
 *
 * <pre>
 * dq_t = scale·do_t S_tᵀ   dk_t = v_t P_tᵀ   dv_t = k_t P_t   dS_0 = e^(g_1) P_1   dg_t = ⟨e^(g_t) S_(t−1), P_t⟩
 * </pre>
 *
 * <p>It shares no code with the forms and no one should use it for speed.
 *
 * @since 0.1
 */
public final class ReferenceGradient {
  private final RetentionCall call;
  private final int batch;
  private final int tokens;
  private final int heads;
  private final int kvHeads;
  private final int keys;
  private final int values;
  private final double[] q;
  private final double[] k;
  private final double[] v;
  private final double[] dOut;
  private final double[] dq;
  private final double[] dk;
  private final double[] dv;
  private final double[] dg;
  private final double[] dInitial;

  private ReferenceGradient(RetentionCall call, INDArray dOutput) {
    this.call = call;
    batch = (int) call.q().size(0);
    tokens = (int) call.q().size(1);
    heads = (int) call.q().size(2);
    kvHeads = (int) call.k().size(2);
    keys = (int) call.q().size(3);
    values = (int) call.v().size(3);
    q = ReferenceMath.flat(call.q());
    k = ReferenceMath.flat(call.k());
    v = ReferenceMath.flat(call.v());
    dOut = ReferenceMath.flat(dOutput);
    dq = new double[q.length];
    dk = new double[k.length];
    dv = new double[v.length];
    dg = new double[batch * tokens * heads];
    dInitial = new double[batch * heads * keys * values];
  }

  /**
   * Returns the gradients of ⟨dOutput, o⟩ + ⟨dFinalState, S_T⟩.
   *
   * @param initial S_0 (B,H,K,V)
   * @param dOutput (B,T,H,V); what stands at padded tokens is not read
   * @param dFinalState (B,H,K,V)
   */
  public static RetentionCore.Gradient backward(
      RetentionCall call, INDArray initial, INDArray dOutput, INDArray dFinalState) {
    ReferenceGradient all = new ReferenceGradient(call, dOutput);
    double[] s0 = ReferenceMath.flat(initial);
    double[] dFinal = ReferenceMath.flat(dFinalState);
    for (int b = 0; b < all.batch; b++) {
      for (int h = 0; h < all.heads; h++) {
        int size = all.keys * all.values;
        int at = (b * all.heads + h) * size;
        all.head(
            b, h, Arrays.copyOfRange(s0, at, at + size), Arrays.copyOfRange(dFinal, at, at + size));
      }
    }
    return all.result();
  }

  private RetentionCore.Gradient result() {
    INDArray decays = Nd4j.createFromArray(dg).reshape(batch, tokens, heads);
    return new RetentionCore.Gradient(
        Nd4j.createFromArray(dq).reshape(call.q().shape()),
        Nd4j.createFromArray(dk).reshape(call.k().shape()),
        Nd4j.createFromArray(dv).reshape(call.v().shape()),
        call.decay() instanceof LogDecay.PerHead ? decays.sum(0, 1) : decays,
        Nd4j.createFromArray(dInitial).reshape(batch, heads, keys, values));
  }

  private double decay(int b, int t, int h) {
    if (call.resets().at(b, t)) {
      return Double.NEGATIVE_INFINITY;
    }
    return call.decay() instanceof LogDecay.PerHead constant
        ? constant.of(h)
        : ((LogDecay.PerToken) call.decay()).values().getDouble(b, t, h);
  }

  private void head(int b, int h, double[] s, double[] p) {
    int n = call.lengths()[b];
    int kvHead = h / (heads / kvHeads);
    double[][] before = new double[n][];
    double[] state = s;
    for (int t = 0; t < n; t++) {
      double g = decay(b, t, h);
      before[t] = scaled(state, g);
      state = before[t].clone();
      int keyAt = ((b * tokens + t) * kvHeads + kvHead) * keys;
      int valueAt = ((b * tokens + t) * kvHeads + kvHead) * values;
      int queryAt = ((b * tokens + t) * heads + h) * keys;
      int outAt = ((b * tokens + t) * heads + h) * values;
      for (int i = 0; i < keys; i++) {
        for (int j = 0; j < values; j++) {
          state[i * values + j] += k[keyAt + i] * v[valueAt + j];
          dq[queryAt + i] += call.scale() * dOut[outAt + j] * state[i * values + j];
        }
      }
    }
    double[] gradient = p;
    for (int t = n - 1; t >= 0; t--) {
      int keyAt = ((b * tokens + t) * kvHeads + kvHead) * keys;
      int valueAt = ((b * tokens + t) * kvHeads + kvHead) * values;
      int queryAt = ((b * tokens + t) * heads + h) * keys;
      int outAt = ((b * tokens + t) * heads + h) * values;
      for (int i = 0; i < keys; i++) {
        for (int j = 0; j < values; j++) {
          int at = i * values + j;
          gradient[at] += call.scale() * q[queryAt + i] * dOut[outAt + j];
          dk[keyAt + i] += v[valueAt + j] * gradient[at];
          dv[valueAt + j] += k[keyAt + i] * gradient[at];
          dg[(b * tokens + t) * heads + h] += before[t][at] * gradient[at];
        }
      }
      gradient = scaled(gradient, decay(b, t, h));
    }
    System.arraycopy(gradient, 0, dInitial, (b * heads + h) * keys * values, gradient.length);
  }

  /** Returns e^g·x, all 0 behind a reset, whatever x was. */
  private static double[] scaled(double[] x, double g) {
    double[] y = new double[x.length];
    for (int i = 0; i < x.length && g != Double.NEGATIVE_INFINITY; i++) {
      y[i] = Math.exp(g) * x[i];
    }
    return y;
  }
}
