package org.retention4j.verify;

import static org.retention4j.core.reference.ReferenceMath.array;
import static org.retention4j.core.reference.ReferenceMath.plus;
import static org.retention4j.core.reference.ReferenceMath.rmsNorm;
import static org.retention4j.core.reference.ReferenceMath.rows;
import static org.retention4j.core.reference.ReferenceMath.times;

import java.util.Arrays;
import org.apache.commons.numbers.gamma.Erfc;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.Norm;
import org.retention4j.nn.NormKind;

/**
 * The parts of a decoder around a mixer's own reference in plain float64, to be checked against the
 * paper by eye (arXiv 2307.08621, equation 9). It shares no code with what it checks.
 */
final class ReferenceDecoder {
  private ReferenceDecoder() {}

  /**
   * What a layer computed.
   *
   * @param normed RMSNorm(x), which the mixer reads, (1,T,D)
   * @param mixed what the mixer adds, (1,T,D), and its state after the last token
   * @param output (1,T,D)
   */
  record Result(INDArray normed, Outcome mixed, INDArray output) {}

  /**
   * Runs a layer over one sequence from its beginning.
   *
   * @param x (1,T,D)
   */
  static Result layer(DecoderLayer layer, INDArray x) {
    double[][] rows = rows(x);
    INDArray normed = array(norm(rows, layer.mixerNorm()), x.shape());
    Outcome mixed = layer.mixer().reference(normed);
    double[][] sum = plus(rows, rows(mixed.output()));
    double[][] again = norm(sum, layer.feedForwardNorm());
    double[][] output = plus(sum, feedForward(layer.feedForward(), again));
    return new Result(normed, mixed, array(output, x.shape()));
  }

  /**
   * Returns the logits of hidden states.
   *
   * @param x (1,T,D)
   * @return (1,T,vocabulary)
   */
  static INDArray logits(LmHead head, double eps, INDArray x) {
    double[][] logits = times(rmsNorm(rows(x), head.norm(), eps), head.output().unpack());
    return array(logits, 1, logits.length, head.vocabulary());
  }

  /** weight ⊙ (x − mean or 0) / √(mean of its squares + eps) + bias, row by row. */
  private static double[][] norm(double[][] x, Norm norm) {
    int width = norm.weight().length;
    double[][] y = new double[x.length][width];
    for (int t = 0; t < x.length; t++) {
      double mean = norm.kind() == NormKind.LAYER ? Arrays.stream(x[t]).sum() / width : 0;
      double squares = 0;
      for (double value : x[t]) {
        squares += (value - mean) * (value - mean);
      }
      double root = Math.sqrt(squares / width + norm.eps());
      for (int i = 0; i < width; i++) {
        y[t][i] = (x[t][i] - mean) / root * norm.weight()[i];
      }
    }
    return shifted(y, norm.bias());
  }

  private static double[][] shifted(double[][] rows, double[] bias) {
    for (double[] row : rows) {
      for (int i = 0; i < bias.length; i++) {
        row[i] += bias[i];
      }
    }
    return rows;
  }

  private static double[][] feedForward(FeedForward layer, double[][] x) {
    double[][] hidden = shifted(times(x, layer.up().unpack()), layer.upBias());
    if (layer.shape().gated()) {
      double[][] gate = shifted(times(x, layer.gate().unpack()), layer.gateBias());
      for (int t = 0; t < x.length; t++) {
        for (int i = 0; i < hidden[t].length; i++) {
          hidden[t][i] *= activation(layer.activation(), gate[t][i]);
        }
      }
    } else {
      for (double[] row : hidden) {
        Arrays.setAll(row, i -> activation(layer.activation(), row[i]));
      }
    }
    return shifted(times(hidden, layer.down().unpack()), layer.downBias());
  }

  private static double activation(Activation f, double x) {
    return switch (f) {
      case SILU -> x / (1 + Math.exp(-x));
      case GELU -> x * 0.5 * Erfc.value(-x / Math.sqrt(2));
      case RELU -> Math.max(0, x);
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case NONE -> x;
    };
  }
}
