package org.retention4j.core.reference;

import static org.retention4j.core.reference.ReferenceMath.array;
import static org.retention4j.core.reference.ReferenceMath.rows;
import static org.retention4j.core.reference.ReferenceMath.times;

import java.util.Arrays;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.NormKind;

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
   * @param coreOutput o (B,T,H,V), divided by √s_p where the block does, before the norm
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
    double[][] stream = rows(input.keyValues().orElse(x));
    double[][] q = times(rows(x), parameters.query());
    double[][] k = times(stream, parameters.key());
    double[][] v = times(stream, parameters.value());
    double[] queryNorm = parameters.vector(RetentionConfig.QUERY_NORM).orElse(null);
    double[] keyNorm = parameters.vector(RetentionConfig.KEY_NORM).orElse(null);
    double keyFactor = config.scaleKeys() ? 1 / Math.sqrt(config.keyWidth()) : 1;
    for (int i = 0; i < batch * tokens; i++) {
      map(q[i], parameters.bias(Projection.QUERY), config.featureMap());
      map(k[i], parameters.bias(Projection.KEY), config.featureMap());
      map(v[i], parameters.bias(Projection.VALUE), config.valueMap());
      normHeads(q[i], queryNorm, config.normEps());
      normHeads(k[i], keyNorm, config.normEps());
      rotate(q[i], config, places[i], 1);
      rotate(k[i], config, places[i], keyFactor);
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
    long[] places = places(input, positions);
    for (int i = 0; i < o.length && config.normaliseOutput(); i++) {
      divideByRootOfSum(o[i], places[i], config);
    }
    INDArray coreOutput = array(copy(o), batch, tokens, heads, config.valueWidth());
    for (double[] row : o) {
      norm(row, config, parameters);
    }
    if (config.gated()) {
      double[][] g = times(rows, parameters.gate().orElseThrow());
      for (int i = 0; i < o.length; i++) {
        map(g[i], parameters.bias(Projection.GATE), config.gate());
        for (int j = 0; j < o[i].length; j++) {
          o[i][j] *= g[i][j];
        }
      }
    }
    double[][] y = times(o, parameters.output());
    for (double[] row : y) {
      map(row, parameters.bias(Projection.OUTPUT), Activation.NONE);
    }
    for (int b = 0; b < batch; b++) {
      for (int t = lengths[b]; t < tokens; t++) {
        y[b * tokens + t] = new double[d];
      }
    }
    return new Result(array(y, batch, tokens, d), coreOutput, core.state());
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

  private static double[][] copy(double[][] rows) {
    return Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
  }

  /** x ← f(x + bias). */
  private static void map(double[] x, Optional<double[]> bias, Activation f) {
    for (int i = 0; i < x.length; i++) {
      double z = x[i] + (bias.isPresent() ? bias.get()[i] : 0);
      x[i] =
          switch (f) {
            case NONE -> z;
            case RELU -> Math.max(0, z);
            case SILU -> z / (1 + Math.exp(-z));
            case SIGMOID -> 1 / (1 + Math.exp(-z));
            case GELU -> throw new IllegalArgumentException("no such map in a block: " + f);
          };
    }
  }

  /** RMSNorm of each head's part of a row, if there are weights. */
  private static void normHeads(double[] row, double[] weight, double eps) {
    for (int start = 0; weight != null && start < row.length; start += weight.length) {
      double squares = 0;
      for (int i = 0; i < weight.length; i++) {
        squares += row[start + i] * row[start + i];
      }
      for (int i = 0; i < weight.length; i++) {
        row[start + i] *= weight[i] / Math.sqrt(squares / weight.length + eps);
      }
    }
  }

  private static void rotate(double[] row, RetentionConfig config, long position, double factor) {
    int width = config.keyWidth();
    Rotation rotation = config.rotation();
    int rotated = rotation.rotated(width);
    for (int start = 0; start < row.length; start += width) {
      if (rotation.active()) {
        double[] theta = rotation.frequencies(width);
        for (int i = 0; i < rotated / 2; i++) {
          boolean half = rotation.layout() == Rotation.Layout.HALF;
          int first = start + (half ? i : 2 * i);
          int second = half ? first + rotated / 2 : first + 1;
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

  /** o ← o / √s_p, head by head, with s_p = Σ_(i=0..p) γ^i. */
  private static void divideByRootOfSum(double[] o, long position, RetentionConfig config) {
    for (int h = 0; h < config.heads(); h++) {
      double gamma = Math.exp(config.decay().logDecay().of(h));
      double s = 0;
      for (long i = 0; i <= position; i++) {
        s = s * gamma + 1;
      }
      for (int j = h * config.valueWidth(); j < (h + 1) * config.valueWidth(); j++) {
        o[j] /= Math.sqrt(s);
      }
    }
  }

  /** Norm(o), group by group. */
  private static void norm(double[] o, RetentionConfig config, RetentionParameters parameters) {
    double[] weight = parameters.vector(RetentionConfig.HEAD_NORM).orElse(null);
    double[] bias = parameters.vector(RetentionConfig.HEAD_NORM_BIAS).orElse(null);
    int size = o.length / config.normGroups();
    for (int start = 0; start < o.length; start += size) {
      double mean = 0;
      for (int j = start; j < start + size && config.norm().kind() == NormKind.LAYER; j++) {
        mean += o[j] / size;
      }
      double squares = 0;
      for (int j = start; j < start + size; j++) {
        squares += (o[j] - mean) * (o[j] - mean);
      }
      double root = Math.sqrt(squares / size + config.normEps());
      for (int j = start; j < start + size; j++) {
        double factor = weight == null ? 1 : weight[j % weight.length];
        o[j] = (o[j] - mean) / root * factor + (bias == null ? 0 : bias[j]);
      }
    }
  }
}
