package org.retention4j.core.reference;

import static org.retention4j.core.reference.ReferenceMath.array;
import static org.retention4j.core.reference.ReferenceMath.rows;
import static org.retention4j.core.reference.ReferenceMath.times;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;

/**
 * The block from x to y in plain float64, to be checked against the paper by eye (arXiv 2307.08621,
 * equation 8). It shares no code with the block it checks, but for {@link ReferenceRetention}.
 *
 * @since 0.1
 */
public final class ReferenceBlock {
  private ReferenceBlock() {}

  /**
   * What the block computed.
   *
   * @param output y (B,T,D) in float64; padded tokens are 0
   * @param coreOutput o (B,T,H,V) before √s_p and the head norm
   * @param state S (B,H,K,V) after each row's last token
   */
  public record Result(INDArray output, INDArray coreOutput, INDArray state) {}

  /**
   * What the core is given.
   *
   * @param q (B,T,H,K), mapped and rotated
   * @param k (B,T,H_kv,K), mapped, rotated, and scaled where the block scales keys
   * @param v (B,T,H_kv,V)
   */
  public record Projected(INDArray q, INDArray k, INDArray v) {}

  /**
   * Returns q, k and v of the block's core.
   *
   * @param positions (B) position of each row's first token
   */
  public static Projected project(
      RetentionConfig config, RetentionParameters parameters, BlockInput input, long[] positions) {
    INDArray x = input.x();
    long[] places = places(input, positions);
    int batch = (int) x.size(0);
    int tokens = (int) x.size(1);
    double[][] rows = rows(x);
    double[][] q = times(rows, parameters.query());
    double[][] k = times(rows, parameters.key());
    double[][] v = times(rows, parameters.value());
    double keyFactor = config.scaleKeys() ? 1 / Math.sqrt(config.keyWidth()) : 1;
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < tokens; t++) {
        long position = places[b * tokens + t];
        mapFeatures(q[b * tokens + t], config);
        mapFeatures(k[b * tokens + t], config);
        rotate(q[b * tokens + t], config, position, 1);
        rotate(k[b * tokens + t], config, position, keyFactor);
      }
    }
    return new Projected(
        array(q, batch, tokens, config.heads(), config.keyWidth()),
        array(k, batch, tokens, config.kvHeads(), config.keyWidth()),
        array(v, batch, tokens, config.kvHeads(), config.valueWidth()));
  }

  /** Runs the block from a zero state at position 0. */
  public static Result forward(
      RetentionConfig config, RetentionParameters parameters, BlockInput input) {
    long batch = input.x().size(0);
    INDArray zeros =
        Nd4j.zeros(DataType.DOUBLE, batch, config.heads(), config.keyWidth(), config.valueWidth());
    return forward(config, parameters, input, zeros, new long[(int) batch]);
  }

  /**
   * Runs the block.
   *
   * @param initial S_0 (B,H,K,V)
   * @param positions (B) position of each row's first token
   */
  public static Result forward(
      RetentionConfig config,
      RetentionParameters parameters,
      BlockInput input,
      INDArray initial,
      long[] positions) {
    INDArray x = input.x();
    int[] lengths = input.lengths();
    int batch = (int) x.size(0);
    int tokens = (int) x.size(1);
    int d = config.modelWidth();
    int heads = config.heads();
    double[][] rows = rows(x);
    double scale = config.scaleKeys() ? 1 : 1 / Math.sqrt(config.keyWidth());
    Projected projected = project(config, parameters, input, positions);
    ReferenceRetention.Result core =
        ReferenceRetention.advance(
            new RetentionCall(
                projected.q(),
                projected.k(),
                projected.v(),
                input.decay().orElse(config.decay().logDecay()),
                scale,
                lengths,
                input.resets()),
            initial);
    double[][] o = rows(core.output(), heads * config.valueWidth());
    double[][] g = config.gate() ? times(rows, parameters.gate().orElseThrow()) : null;
    double[] norm = parameters.headNorm().orElse(null);
    long[] places = places(input, positions);
    for (int i = 0; i < o.length; i++) {
      long position = places[i];
      for (int h = 0; h < heads; h++) {
        normAndGate(o[i], g == null ? null : g[i], h, position, config, norm);
      }
    }
    double[][] y = times(o, parameters.output());
    for (int b = 0; b < batch; b++) {
      for (int t = lengths[b]; t < tokens; t++) {
        y[b * tokens + t] = new double[d];
      }
    }
    return new Result(array(y, batch, tokens, d), core.output(), core.state());
  }

  /** Returns (B,T) the position of each token in its sequence. */
  private static long[] places(BlockInput input, long[] positions) {
    int tokens = (int) input.x().size(1);
    long[] places = new long[positions.length * tokens];
    for (int b = 0; b < positions.length; b++) {
      long next = positions[b];
      for (int t = 0; t < tokens; t++) {
        if (input.resets().at(b, t) || dropsAllHeads(input, b, t)) {
          next = 0;
        }
        places[b * tokens + t] = next++;
      }
    }
    return places;
  }

  private static boolean dropsAllHeads(BlockInput input, int b, int t) {
    if (!(input.decay().orElse(null) instanceof LogDecay.PerToken g)) {
      return false;
    }
    boolean all = true;
    for (long h = 0; h < g.values().size(2); h++) {
      all &= g.values().getDouble(b, t, h) == Double.NEGATIVE_INFINITY;
    }
    return all;
  }

  private static void mapFeatures(double[] row, RetentionConfig config) {
    for (int i = 0; i < row.length && config.featureMap() == Activation.RELU; i++) {
      row[i] = Math.max(0, row[i]);
    }
  }

  private static void rotate(double[] row, RetentionConfig config, long position, double factor) {
    int width = config.keyWidth();
    Rotation rotation = config.rotation();
    for (int start = 0; start < row.length; start += width) {
      if (rotation.active()) {
        double[] theta = rotation.frequencies(width);
        for (int i = 0; i < width / 2; i++) {
          boolean half = rotation.layout() == Rotation.Layout.HALF;
          int first = start + (half ? i : 2 * i);
          int second = half ? first + width / 2 : first + 1;
          double a = position * theta[i];
          double x1 = row[first];
          double x2 = row[second];
          row[first] = x1 * Math.cos(a) - x2 * Math.sin(a);
          row[second] = x2 * Math.cos(a) + x1 * Math.sin(a);
        }
      }
      for (int i = start; i < start + width; i++) {
        row[i] *= factor;
      }
    }
  }

  private static void normAndGate(
      double[] o, double[] g, int head, long position, RetentionConfig config, double[] weight) {
    int values = config.valueWidth();
    int start = head * values;
    if (config.normaliseOutput()) {
      double gamma = Math.exp(config.decay().logDecay().of(head));
      double s = 0;
      for (long i = 0; i <= position; i++) {
        s = s * gamma + 1;
      }
      for (int j = start; j < start + values; j++) {
        o[j] /= Math.sqrt(s);
      }
    }
    double squares = 0;
    for (int j = start; j < start + values; j++) {
      squares += o[j] * o[j];
    }
    double rms = Math.sqrt(squares / values + config.normEps());
    for (int j = start; j < start + values; j++) {
      double normed = o[j] / rms * (weight == null ? 1 : weight[j - start]);
      o[j] = g == null ? normed : normed * g[j] / (1 + Math.exp(-g[j]));
    }
  }
}
