package org.retention4j.model.mixer.attention;

import static org.retention4j.core.reference.ReferenceMath.array;
import static org.retention4j.core.reference.ReferenceMath.rows;
import static org.retention4j.core.reference.ReferenceMath.times;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Softmax attention in plain float64, every token against all that its window shows, to be checked
 * by eye. It shares no code with what it checks.
 */
final class AttentionReference {
  private final AttentionMixer mixer;
  private final AttentionConfig config;

  AttentionReference(AttentionMixer mixer) {
    this.mixer = mixer;
    config = mixer.config();
  }

  /**
   * Runs one sequence from its beginning.
   *
   * @param x (1,T,D)
   */
  INDArray forward(INDArray x) {
    int width = config.headWidth();
    double[][] q = project(x, AttentionConfig.QUERY, AttentionConfig.QUERY_BIAS);
    double[][] k = project(x, AttentionConfig.KEY, AttentionConfig.KEY_BIAS);
    double[][] v = project(x, AttentionConfig.VALUE, AttentionConfig.VALUE_BIAS);
    rotate(q);
    rotate(k);
    double[][] o = new double[q.length][config.heads() * width];
    for (int t = 0; t < o.length; t++) {
      int first = Math.max(0, t + 1 - config.window());
      for (int h = 0; h < config.heads(); h++) {
        int kv = h / (config.heads() / config.kvHeads()) * width;
        attend(q[t], h * width, k, v, kv, first, t, o[t]);
      }
    }
    double[][] y = times(o, mixer.matrix(AttentionConfig.OUTPUT).unpack());
    return array(y, 1, y.length, config.modelWidth());
  }

  private double[][] project(INDArray x, String matrix, String bias) {
    double[][] y = times(rows(x), mixer.matrix(matrix).unpack());
    double[] b = config.bias() ? mixer.weights().vector(bias) : new double[0];
    for (int t = 0; t < y.length; t++) {
      for (int i = 0; i < b.length; i++) {
        y[t][i] += b[i];
      }
    }
    return y;
  }

  private void rotate(double[][] x) {
    int half = config.headWidth() / 2;
    for (int t = 0; t < x.length; t++) {
      for (int start = 0; start < x[t].length; start += config.headWidth()) {
        for (int i = start; i < start + half; i++) {
          double angle = t * Math.pow(config.ropeBase(), -(double) (i - start) / half);
          double first = x[t][i];
          double second = x[t][i + half];
          x[t][i] = first * Math.cos(angle) - second * Math.sin(angle);
          x[t][i + half] = second * Math.cos(angle) + first * Math.sin(angle);
        }
      }
    }
  }

  /** One query against the tokens first…last. */
  private void attend(
      double[] q, int head, double[][] k, double[][] v, int kv, int first, int last, double[] o) {
    int width = config.headWidth();
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
}
