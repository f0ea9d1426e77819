package org.retention4j.model;

import java.util.SplittableRandom;
import org.retention4j.core.reference.ReferenceMath;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.nn.Init;

/** A Transformer layer in plain float64, token by token against all earlier ones. */
final class PlainTransformerLayer {
  private final AttentionConfig config;
  private final double[][] query;
  private final double[][] key;
  private final double[][] value;
  private final double[][] output;
  private final double[][] gate;
  private final double[][] up;
  private final double[][] down;
  private final double[] norm1;
  private final double[] norm2;
  private final double eps;

  /** Takes the weights that the mixer and the feed-forward draw for these seeds. */
  PlainTransformerLayer(
      AttentionConfig config,
      long mixerSeed,
      int hidden,
      long feedForwardSeed,
      double[] norm1,
      double[] norm2,
      double eps) {
    this.config = config;
    this.norm1 = norm1;
    this.norm2 = norm2;
    this.eps = eps;
    int d = config.modelWidth();
    int all = config.heads() * config.headWidth();
    int kv = config.kvHeads() * config.headWidth();
    SplittableRandom random = new SplittableRandom(mixerSeed);
    query = matrix(random, all, d);
    key = matrix(random, kv, d);
    value = matrix(random, kv, d);
    output = matrix(random, d, all);
    random = new SplittableRandom(feedForwardSeed);
    gate = matrix(random, hidden, d);
    up = matrix(random, hidden, d);
    down = matrix(random, d, hidden);
  }

  private static double[][] matrix(SplittableRandom random, int outputs, int inputs) {
    return ReferenceMath.rows(Init.uniform(random, outputs, inputs));
  }

  /** Returns the outputs of one sequence from position 0 on. */
  double[][] forward(double[][] x) {
    return forward(x, 0);
  }

  /** Returns the outputs of tokens from a position on, as if there had been none before. */
  double[][] forward(double[][] x, int position) {
    int width = config.headWidth();
    int group = config.heads() / config.kvHeads();
    double[][] keys = new double[x.length][];
    double[][] values = new double[x.length][];
    double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] normed = norm(x[t], norm1);
      double[] q = rotate(times(query, normed), position + t);
      keys[t] = rotate(times(key, normed), position + t);
      values[t] = times(value, normed);
      double[] o = new double[config.heads() * width];
      for (int h = 0; h < config.heads(); h++) {
        int kv = h / group * width;
        int first = Math.max(0, t + 1 - config.window());
        double[] p = new double[t + 1 - first];
        double sum = 0;
        for (int j = first; j <= t; j++) {
          double score = 0;
          for (int i = 0; i < width; i++) {
            score += q[h * width + i] * keys[j][kv + i];
          }
          p[j - first] = Math.exp(score / Math.sqrt(width));
          sum += p[j - first];
        }
        for (int j = first; j <= t; j++) {
          for (int i = 0; i < width; i++) {
            o[h * width + i] += p[j - first] / sum * values[j][kv + i];
          }
        }
      }
      double[] z = plus(x[t], times(output, o));
      double[] again = norm(z, norm2);
      double[] g = times(gate, again);
      double[] u = times(up, again);
      for (int i = 0; i < g.length; i++) {
        g[i] = g[i] / (1 + Math.exp(-g[i])) * u[i];
      }
      y[t] = plus(z, times(down, g));
    }
    return y;
  }

  private double[] rotate(double[] x, int position) {
    int width = config.headWidth();
    int half = width / 2;
    double[] y = x.clone();
    for (int start = 0; start < x.length; start += width) {
      for (int i = 0; i < half; i++) {
        double angle = position * Math.pow(config.ropeBase(), -(double) i / half);
        double a = x[start + i];
        double b = x[start + i + half];
        y[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
        y[start + i + half] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
    return y;
  }

  private double[] norm(double[] x, double[] weight) {
    double squares = 0;
    for (double v : x) {
      squares += v * v;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = x[i] / Math.sqrt(squares / x.length + eps) * weight[i];
    }
    return y;
  }

  private static double[] times(double[][] w, double[] x) {
    double[] y = new double[w.length];
    for (int o = 0; o < w.length; o++) {
      for (int i = 0; i < x.length; i++) {
        y[o] += w[o][i] * x[i];
      }
    }
    return y;
  }

  private static double[] plus(double[] a, double[] b) {
    double[] sum = a.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += b[i];
    }
    return sum;
  }
}
