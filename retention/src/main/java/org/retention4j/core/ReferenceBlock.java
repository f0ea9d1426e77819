package org.retention4j.core;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.Activation;

/**
 * The block from x to y in plain float64, to be checked against the paper by eye (arXiv 2307.08621,
 * equation 8). It shares no code with the block it checks, but for {@link ReferenceRetention}.
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
   * Runs the block.
   *
   * @param x (B,T,D)
   * @param decay per token (B,T,H), or null for the configuration's
   * @param initial S_0 (B,H,K,V), or null for zeros
   * @param positions (B) position of each row's first token, or null for zeros
   * @param lengths (B), or null when every row has T
   */
  public static Result forward(
      RetentionConfig config,
      RetentionParameters parameters,
      INDArray x,
      LogDecay decay,
      INDArray initial,
      long[] positions,
      int[] lengths) {
    int batch = (int) x.size(0);
    int tokens = (int) x.size(1);
    int d = config.modelWidth();
    int heads = config.heads();
    int values = config.valueWidth();
    double[][] rows = rows(x, batch * tokens, d);
    double[][] q = times(rows, parameters.query());
    double[][] k = times(rows, parameters.key());
    double[][] v = times(rows, parameters.value());
    double keyFactor = config.scaleKeys() ? 1 / Math.sqrt(config.keyWidth()) : 1;
    double scale = config.scaleKeys() ? 1 : 1 / Math.sqrt(config.keyWidth());
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < tokens; t++) {
        long position = (positions == null ? 0 : positions[b]) + t;
        mapFeatures(q[b * tokens + t], config);
        mapFeatures(k[b * tokens + t], config);
        rotate(q[b * tokens + t], config, position, 1);
        rotate(k[b * tokens + t], config, position, keyFactor);
      }
    }
    ReferenceRetention.Result core =
        ReferenceRetention.advance(
            array(q, batch, tokens, heads, config.keyWidth()),
            array(k, batch, tokens, config.kvHeads(), config.keyWidth()),
            array(v, batch, tokens, config.kvHeads(), values),
            decay == null ? config.decay().logDecay() : decay,
            scale,
            initial,
            lengths);
    double[][] o = rows(core.output(), batch * tokens, heads * values);
    double[][] g = config.gate() ? times(rows, parameters.gate()) : null;
    for (int i = 0; i < o.length; i++) {
      long position = (positions == null ? 0 : positions[i / tokens]) + i % tokens;
      for (int h = 0; h < heads; h++) {
        normAndGate(o[i], g == null ? null : g[i], h, position, config, parameters.headNorm());
      }
    }
    double[][] y = times(o, parameters.output());
    for (int b = 0; lengths != null && b < batch; b++) {
      for (int t = lengths[b]; t < tokens; t++) {
        y[b * tokens + t] = new double[d];
      }
    }
    return new Result(
        array(y, batch, tokens, 1, d).reshape(batch, tokens, d), core.output(), core.state());
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

  /** Returns x·Wᵀ. */
  private static double[][] times(double[][] x, INDArray w) {
    int outputs = (int) w.size(0);
    int inputs = (int) w.size(1);
    double[][] weight = rows(w, outputs, inputs);
    double[][] y = new double[x.length][outputs];
    for (int i = 0; i < x.length; i++) {
      for (int o = 0; o < outputs; o++) {
        for (int j = 0; j < inputs; j++) {
          y[i][o] += x[i][j] * weight[o][j];
        }
      }
    }
    return y;
  }

  private static double[][] rows(INDArray array, int rows, int columns) {
    double[] flat = array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    double[][] result = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      System.arraycopy(flat, i * columns, result[i], 0, columns);
    }
    return result;
  }

  private static INDArray array(double[][] rows, int batch, int tokens, int heads, int width) {
    double[] flat = new double[rows.length * heads * width];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, flat, i * heads * width, heads * width);
    }
    return Nd4j.createFromArray(flat).reshape(batch, tokens, heads, width);
  }
}
