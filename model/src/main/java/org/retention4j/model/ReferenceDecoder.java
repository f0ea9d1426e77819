package org.retention4j.model;

import org.apache.commons.numbers.gamma.Erfc;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.ReferenceBlock;
import org.retention4j.engine.Activation;
import org.retention4j.engine.PackedMatrix;

/**
 * The parts of a decoder in plain float64, to be checked against the paper by eye (arXiv
 * 2307.08621, equation 9). It shares no code with what it checks, but for {@link ReferenceBlock}.
 */
public final class ReferenceDecoder {
  private ReferenceDecoder() {}

  /**
   * What a layer computed.
   *
   * @param normed RMSNorm(x), which the mixer reads, (1,T,D)
   * @param mixed what the mixer adds, (1,T,D)
   * @param state after the last token, (1,H,K,V); null for attention
   * @param output (1,T,D)
   */
  public record Result(INDArray normed, INDArray mixed, INDArray state, INDArray output) {}

  /**
   * Runs a layer over one sequence from its beginning.
   *
   * @param x (1,T,D)
   */
  public static Result layer(DecoderLayer layer, INDArray x) {
    double[][] rows = rows(x);
    double[][] normed = norm(rows, layer.mixerNorm(), layer.eps());
    double[][] mixed;
    INDArray state = null;
    if (layer.mixer() instanceof RetentionMixer mixer) {
      ReferenceBlock.Result block =
          ReferenceBlock.forward(
              mixer.weights().config(),
              mixer.weights().unpack(),
              array(normed),
              null,
              null,
              null,
              null);
      mixed = rows(block.output());
      state = block.state();
    } else {
      mixed = attention((AttentionMixer) layer.mixer(), normed);
    }
    double[][] sum = plus(rows, mixed);
    double[][] output =
        plus(
            sum, feedForward(layer.feedForward(), norm(sum, layer.feedForwardNorm(), layer.eps())));
    return new Result(array(normed), array(mixed), state, array(output));
  }

  /**
   * Returns the logits of hidden states.
   *
   * @param x (1,T,D)
   * @return (1,T,vocabulary)
   */
  public static INDArray logits(OutputHead head, double eps, INDArray x) {
    return array(times(norm(rows(x), head.norm(), eps), head.output()));
  }

  /** Returns x·w/√(mean(x²) + eps), row by row. */
  public static double[][] norm(double[][] x, double[] weight, double eps) {
    double[][] y = new double[x.length][weight.length];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      double rms = Math.sqrt(squares / weight.length + eps);
      for (int i = 0; i < weight.length; i++) {
        y[t][i] = x[t][i] / rms * weight[i];
      }
    }
    return y;
  }

  private static double[][] feedForward(FeedForward layer, double[][] x) {
    double[][] hidden = times(x, layer.gate());
    double[][] up = times(x, layer.up());
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < up[t].length; i++) {
        hidden[t][i] = activation(layer.activation(), hidden[t][i]) * up[t][i];
      }
    }
    return times(hidden, layer.down());
  }

  private static double activation(Activation f, double x) {
    return switch (f) {
      case SILU -> x / (1 + Math.exp(-x));
      case GELU -> x * 0.5 * Erfc.value(-x / Math.sqrt(2));
      case RELU -> Math.max(0, x);
      case NONE -> x;
    };
  }

  private static double[][] attention(AttentionMixer mixer, double[][] x) {
    AttentionConfig c = mixer.config();
    int width = c.headWidth();
    double[][] q = rotated(times(x, mixer.query()), mixer.biases(), 0, c);
    double[][] k = rotated(times(x, mixer.key()), mixer.biases(), 1, c);
    double[][] v = times(x, mixer.value());
    addBias(v, mixer.biases(), 2);
    double[][] o = new double[x.length][c.heads() * width];
    for (int t = 0; t < x.length; t++) {
      for (int h = 0; h < c.heads(); h++) {
        int kv = h / (c.heads() / c.kvHeads()) * width;
        attend(q[t], h * width, k, v, kv, Math.max(0, t + 1 - c.window()), t, width, o[t]);
      }
    }
    return times(o, mixer.output());
  }

  /** One query against the tokens first…last. */
  private static void attend(
      double[] q,
      int head,
      double[][] k,
      double[][] v,
      int kv,
      int first,
      int last,
      int width,
      double[] o) {
    double[] scores = new double[last + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int j = first; j <= last; j++) {
      for (int i = 0; i < width; i++) {
        scores[j] += q[head + i] * k[j][kv + i] / Math.sqrt(width);
      }
      max = Math.max(max, scores[j]);
    }
    double sum = 0;
    for (int j = first; j <= last; j++) {
      scores[j] = Math.exp(scores[j] - max);
      sum += scores[j];
    }
    for (int j = first; j <= last; j++) {
      for (int i = 0; i < width; i++) {
        o[head + i] += scores[j] / sum * v[j][kv + i];
      }
    }
  }

  private static double[][] rotated(double[][] x, double[][] biases, int which, AttentionConfig c) {
    addBias(x, biases, which);
    int half = c.headWidth() / 2;
    for (int t = 0; t < x.length; t++) {
      for (int start = 0; start < x[t].length; start += c.headWidth()) {
        for (int i = start; i < start + half; i++) {
          double angle = t * Math.pow(c.ropeBase(), -(double) (i - start) / half);
          double first = x[t][i];
          double second = x[t][i + half];
          x[t][i] = first * Math.cos(angle) - second * Math.sin(angle);
          x[t][i + half] = second * Math.cos(angle) + first * Math.sin(angle);
        }
      }
    }
    return x;
  }

  private static void addBias(double[][] x, double[][] biases, int which) {
    for (int t = 0; t < x.length && biases != null; t++) {
      for (int i = 0; i < x[t].length; i++) {
        x[t][i] += biases[which][i];
      }
    }
  }

  /** Returns x·Wᵀ. */
  private static double[][] times(double[][] x, PackedMatrix w) {
    double[][] weight = rows(w.unpack());
    double[][] y = new double[x.length][weight.length];
    for (int o = 0; o < weight.length; o++) {
      for (int t = 0; t < x.length; t++) {
        double sum = 0;
        for (int j = 0; j < weight[o].length; j++) {
          sum += x[t][j] * weight[o][j];
        }
        y[t][o] = sum;
      }
    }
    return y;
  }

  private static double[][] plus(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        sum[t][i] = a[t][i] + b[t][i];
      }
    }
    return sum;
  }

  /** Returns the rows of (1,T,W) or (T,W). */
  private static double[][] rows(INDArray array) {
    int width = (int) array.size(array.rank() - 1);
    double[] flat = array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
    double[][] rows = new double[flat.length / width][width];
    for (int t = 0; t < rows.length; t++) {
      System.arraycopy(flat, t * width, rows[t], 0, width);
    }
    return rows;
  }

  private static INDArray array(double[][] rows) {
    return Nd4j.createFromArray(rows).reshape(1, rows.length, rows[0].length);
  }
}
