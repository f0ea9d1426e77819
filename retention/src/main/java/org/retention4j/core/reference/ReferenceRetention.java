package org.retention4j.core.reference;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;

/**
 * The recurrence in plain float64, to be checked against the paper by eye (arXiv 2307.08621,
 * equation 6, with the log decay as a value):
 *
 * <pre>S_t = e^(g_t) S_(t−1) + k_tᵀ v_t        o_t = scale · q_t S_t</pre>
 *
 * <p>It shares no code with the forms and no one should use it for speed.
 *
 * @since 0.1
 */
public final class ReferenceRetention {
  private ReferenceRetention() {}

  /**
   * The outputs and the final state.
   *
   * @param output o (B,T,H,V) in float64; rows of padded tokens are 0
   * @param state S after each row's last token, (B,H,K,V) in float64
   */
  public record Result(INDArray output, INDArray state) {}

  /** Runs the recurrence of a call from a zero state. */
  public static Result advance(RetentionCall call) {
    INDArray q = call.q();
    return advance(
        call, Nd4j.zeros(DataType.DOUBLE, q.size(0), q.size(2), q.size(3), call.v().size(3)));
  }

  /**
   * Runs the recurrence of a call.
   *
   * @param initial S_0 (B,H,K,V)
   */
  public static Result advance(RetentionCall call, INDArray initial) {
    INDArray q = call.q();
    INDArray k = call.k();
    INDArray v = call.v();
    LogDecay decay = call.decay();
    double scale = call.scale();
    int[] lengths = call.lengths();
    int batch = (int) q.size(0);
    int tokens = (int) q.size(1);
    int heads = (int) q.size(2);
    int kvHeads = (int) k.size(2);
    int keys = (int) q.size(3);
    int values = (int) v.size(3);
    double[] allQ = ReferenceMath.flat(q);
    double[] allK = ReferenceMath.flat(k);
    double[] allV = ReferenceMath.flat(v);
    double[] s0 = ReferenceMath.flat(initial);
    double[] output = new double[batch * tokens * heads * values];
    for (int b = 0; b < batch; b++) {
      int length = lengths[b];
      for (int h = 0; h < heads; h++) {
        int kvHead = h / (heads / kvHeads);
        int s = (b * heads + h) * keys * values;
        for (int t = 0; t < length; t++) {
          double g = logDecay(decay, b, t, h);
          double gamma = Math.exp(g);
          if (call.resets().at(b, t) || g == Double.NEGATIVE_INFINITY) {
            Arrays.fill(s0, s, s + keys * values, 0);
          }
          int qAt = ((b * tokens + t) * heads + h) * keys;
          int kAt = ((b * tokens + t) * kvHeads + kvHead) * keys;
          int vAt = ((b * tokens + t) * kvHeads + kvHead) * values;
          int oAt = ((b * tokens + t) * heads + h) * values;
          for (int i = 0; i < keys; i++) {
            for (int j = 0; j < values; j++) {
              int at = s + i * values + j;
              s0[at] = gamma * s0[at] + allK[kAt + i] * allV[vAt + j];
              output[oAt + j] += scale * allQ[qAt + i] * s0[at];
            }
          }
        }
      }
    }
    return new Result(
        Nd4j.createFromArray(output).reshape(batch, tokens, heads, values),
        Nd4j.createFromArray(s0).reshape(batch, heads, keys, values));
  }

  private static double logDecay(LogDecay decay, int b, int t, int h) {
    if (decay instanceof LogDecay.PerHead constant) {
      return constant.of(h);
    }
    return ((LogDecay.PerToken) decay).values().getDouble(b, t, h);
  }
}
