package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;

/**
 * Logits of an fla checkpoint in plain float64, straight from config.json and the tensors, to be
 * checked by eye; it shares no code with the models it checks but for reading the tensors.
 */
final class PlainFla {
  private final JsonNode config;
  private final CheckpointFiles files;
  private final int d;
  private final double eps;

  PlainFla(JsonNode config, CheckpointFiles files) {
    this.config = config;
    this.files = files;
    d = config.get("hidden_size").intValue();
    eps = config.path("norm_eps").asDouble(1e-6);
  }

  /** Returns (T, vocabulary). */
  double[][] logits(int[] ids) {
    double[][] table = matrix("model.embeddings.weight");
    double[][] x = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      x[t] = table[ids[t]].clone();
    }
    for (int i = 0; i < config.get("num_hidden_layers").intValue(); i++) {
      String prefix = "model.layers." + i + ".";
      JsonNode attention = attention(i);
      double[][] normed = norm(x, vector(prefix + "attn_norm.weight"));
      add(
          x,
          attention == null
              ? retain(normed, prefix + "attn.")
              : attend(normed, prefix + "attn.", attention));
      add(x, feedForward(norm(x, vector(prefix + "mlp_norm.weight")), prefix + "mlp."));
    }
    boolean tied = config.path("tie_word_embeddings").asBoolean(false);
    return times(norm(x, vector("model.norm.weight")), tied ? table : matrix("lm_head.weight"));
  }

  private JsonNode attention(int layer) {
    JsonNode attn = config.path("attn");
    for (JsonNode entry : attn.isArray() ? attn : java.util.List.of(attn)) {
      for (JsonNode index : entry.path("layers")) {
        if (index.intValue() == layer) {
          return entry;
        }
      }
    }
    return null;
  }

  private double[][] retain(double[][] x, String prefix) {
    int heads = config.get("num_heads").intValue();
    double[][] q = map(times(x, matrix(prefix + "q_proj.weight")));
    double[][] k = map(times(x, matrix(prefix + "k_proj.weight")));
    double[][] v = times(x, matrix(prefix + "v_proj.weight"));
    int keyWidth = q[0].length / heads;
    int kvHeads = k[0].length / keyWidth;
    int valueWidth = v[0].length / kvHeads;
    rotate(q, keyWidth, 10000);
    rotate(k, keyWidth, 10000);
    boolean gated = config.path("use_output_gate").asBoolean(true);
    double[][] g = gated ? times(x, matrix(prefix + "g_proj.weight")) : null;
    double[] weight = null;
    if (config.path("elementwise_affine").asBoolean(true)) {
      String name = prefix + "g_norm_swish_gate.weight";
      weight = vector(files.has(name) ? name : prefix + "g_norm.weight");
    }
    double[][] o = new double[x.length][heads * valueWidth];
    for (int h = 0; h < heads; h++) {
      int kv = h / (heads / kvHeads);
      double gamma = 1 - Math.pow(2, -5 - h);
      for (int t = 0; t < x.length; t++) {
        double[] sum = new double[valueWidth];
        for (int j = 0; j <= t; j++) {
          double score = Math.pow(gamma, t - j) / Math.sqrt(keyWidth);
          score *= dot(q[t], h * keyWidth, k[j], kv * keyWidth, keyWidth);
          for (int i = 0; i < valueWidth; i++) {
            sum[i] += score * v[j][kv * valueWidth + i];
          }
        }
        double rms = Math.sqrt(dot(sum, 0, sum, 0, valueWidth) / valueWidth + eps);
        for (int i = 0; i < valueWidth; i++) {
          double y = sum[i] / rms * (weight == null ? 1 : weight[i]);
          o[t][h * valueWidth + i] = gated ? y * silu(g[t][h * valueWidth + i]) : y;
        }
      }
    }
    return times(o, matrix(prefix + "o_proj.weight"));
  }

  private double[][] map(double[][] x) {
    if (config.path("feature_map").asText("identity").equals("relu")) {
      for (double[] row : x) {
        Arrays.setAll(row, i -> Math.max(0, row[i]));
      }
    }
    return x;
  }

  private double[][] attend(double[][] x, String prefix, JsonNode attn) {
    int heads = attn.get("num_heads").intValue();
    int kvHeads = attn.path("num_kv_heads").asInt(heads);
    int width = d / heads;
    boolean bias = attn.path("qkv_bias").asBoolean(false);
    double[][] q = times(x, matrix(prefix + "q_proj.weight"));
    double[][] k = times(x, matrix(prefix + "k_proj.weight"));
    double[][] v = times(x, matrix(prefix + "v_proj.weight"));
    for (int t = 0; bias && t < x.length; t++) {
      addTo(q[t], vector(prefix + "q_proj.bias"));
      addTo(k[t], vector(prefix + "k_proj.bias"));
      addTo(v[t], vector(prefix + "v_proj.bias"));
    }
    rotate(q, width, attn.path("rope_theta").asDouble(10000));
    rotate(k, width, attn.path("rope_theta").asDouble(10000));
    int window = attn.path("window_size").asInt(Integer.MAX_VALUE);
    double[][] o = new double[x.length][heads * width];
    for (int h = 0; h < heads; h++) {
      int kv = h / (heads / kvHeads);
      for (int t = 0; t < x.length; t++) {
        double total = 0;
        for (int j = Math.max(0, t - window + 1); j <= t; j++) {
          double e = Math.exp(dot(q[t], h * width, k[j], kv * width, width) / Math.sqrt(width));
          total += e;
          for (int i = 0; i < width; i++) {
            o[t][h * width + i] += e * v[j][kv * width + i];
          }
        }
        for (int i = 0; i < width; i++) {
          o[t][h * width + i] /= total;
        }
      }
    }
    return times(o, matrix(prefix + "o_proj.weight"));
  }

  private double[][] feedForward(double[][] x, String prefix) {
    double[][] gate = matrix(prefix + "gate_proj.weight");
    double[][] up;
    if (files.has(prefix + "up_proj.weight")) {
      up = matrix(prefix + "up_proj.weight");
    } else {
      up = Arrays.copyOfRange(gate, gate.length / 2, gate.length);
      gate = Arrays.copyOf(gate, gate.length / 2);
    }
    double[][] a = times(x, gate);
    double[][] b = times(x, up);
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        a[t][i] = silu(a[t][i]) * b[t][i];
      }
    }
    return times(a, matrix(prefix + "down_proj.weight"));
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** Rotates pairs (i, i+n) of each head by t·base^(−i/n). */
  private static void rotate(double[][] x, int width, double base) {
    int n = width / 2;
    for (int t = 0; t < x.length; t++) {
      for (int from = 0; from < x[t].length; from += width) {
        for (int i = 0; i < n; i++) {
          double angle = t * Math.pow(base, -(double) i / n);
          double a = x[t][from + i];
          double b = x[t][from + n + i];
          x[t][from + i] = a * Math.cos(angle) - b * Math.sin(angle);
          x[t][from + n + i] = b * Math.cos(angle) + a * Math.sin(angle);
        }
      }
    }
  }

  private double[][] norm(double[][] x, double[] weight) {
    double[][] y = new double[x.length][d];
    for (int t = 0; t < x.length; t++) {
      double rms = Math.sqrt(dot(x[t], 0, x[t], 0, d) / d + eps);
      for (int i = 0; i < d; i++) {
        y[t][i] = x[t][i] / rms * weight[i];
      }
    }
    return y;
  }

  private static double dot(double[] a, int fromA, double[] b, int fromB, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += a[fromA + i] * b[fromB + i];
    }
    return sum;
  }

  private static void add(double[][] x, double[][] y) {
    for (int t = 0; t < x.length; t++) {
      addTo(x[t], y[t]);
    }
  }

  private static void addTo(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }

  private static double[][] times(double[][] x, double[][] w) {
    double[][] y = new double[x.length][w.length];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < w.length; i++) {
        y[t][i] = dot(x[t], 0, w[i], 0, x[t].length);
      }
    }
    return y;
  }

  private double[][] matrix(String name) {
    int rows = files.info(name).shape().get(0).intValue();
    int columns = files.info(name).shape().get(1).intValue();
    double[][] m = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      files.read(name, (long) i * columns, columns, m[i]);
    }
    return m;
  }

  private double[] vector(String name) {
    double[] v = new double[files.info(name).shape().get(0).intValue()];
    files.read(name, 0, v.length, v);
    return v;
  }
}
