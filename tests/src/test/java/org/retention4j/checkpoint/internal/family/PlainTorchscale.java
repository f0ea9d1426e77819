package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * Logits of a torchscale checkpoint in plain float64, token by token as its recurrent form has
 * them, straight from config.json and the tensors, to be checked by eye.
 */
final class PlainTorchscale {
  private final JsonNode config;
  private final Map<String, double[][]> tensors;
  private final String root;
  private final int d;
  private final int heads;
  private final double eps;

  /**
   * Makes one.
   *
   * @param tensors by name; a vector is a single row
   * @param root what stands before most names
   */
  PlainTorchscale(JsonNode config, Map<String, double[][]> tensors, String root) {
    this.config = config;
    this.tensors = tensors;
    this.root = root;
    d = config.get("decoder_embed_dim").intValue();
    heads = config.get("decoder_retention_heads").intValue();
    eps = config.path("layernorm_eps").asDouble(1e-6);
  }

  /** Returns (T, vocabulary). */
  double[][] logits(int[] ids) {
    int layers = config.get("decoder_layers").intValue();
    double[][][][] states = new double[layers][heads][d / heads][];
    double[] sums = new double[heads];
    double[][] table = tensors.get(root + "embed_tokens.weight");
    boolean tied =
        config.path("share_decoder_input_output_embed").asBoolean(false)
            || config.path("tie_word_embeddings").asBoolean(false);
    String own = root.isEmpty() ? "output_projection.weight" : "lm_head.weight";
    double[][] output = tied ? table : tensors.get(own);
    double[][] logits = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      double scale = config.path("no_scale_embedding").asBoolean(true) ? 1 : Math.sqrt(d);
      double[] x = new double[d];
      for (int i = 0; i < d; i++) {
        x[i] = scale * table[ids[t]][i];
      }
      if (config.path("layernorm_embedding").asBoolean(false)) {
        x = norm(x, tensors.get(root + "layernorm_embedding.weight")[0]);
      }
      for (int h = 0; h < heads; h++) {
        sums[h] = 1 + gamma(h) * sums[h];
      }
      for (int l = 0; l < layers; l++) {
        String prefix = root + "layers." + l + ".";
        double[] weight = tensors.get(prefix + "retention_layer_norm.weight")[0];
        x = plus(x, retain(norm(x, weight), prefix + "retention.", states[l], sums, t));
        weight = tensors.get(prefix + "final_layer_norm.weight")[0];
        x = plus(x, feedForward(norm(x, weight), prefix + "ffn."));
      }
      logits[t] = times(output, norm(x, tensors.get(root + "layer_norm.weight")[0]));
    }
    return logits;
  }

  private double gamma(int h) {
    if (config.path("use_lm_decay").asBoolean(false)) {
      double from = Math.log(1.0 / 32);
      double step = heads == 1 ? 0 : (Math.log(1.0 / 512) - from) / (heads - 1);
      return 1 - Math.exp(from + h * step);
    }
    return 1 - Math.pow(2, -5 - h);
  }

  private double[] retain(double[] x, String prefix, double[][][] state, double[] sums, int t) {
    double[] q = times(tensors.get(prefix + "q_proj.weight"), x);
    double[] k = times(tensors.get(prefix + "k_proj.weight"), x);
    double[] v = times(tensors.get(prefix + "v_proj.weight"), x);
    double[] g = times(tensors.get(prefix + "g_proj.weight"), x);
    int keyWidth = d / heads;
    int valueWidth = v.length / heads;
    rotate(q, keyWidth, t);
    rotate(k, keyWidth, t);
    double[] gated = new double[v.length];
    for (int h = 0; h < heads; h++) {
      double[] o = new double[valueWidth];
      for (int i = 0; i < keyWidth; i++) {
        if (state[h][i] == null) {
          state[h][i] = new double[valueWidth];
        }
        double key = k[h * keyWidth + i] / Math.sqrt(keyWidth);
        for (int j = 0; j < valueWidth; j++) {
          state[h][i][j] = gamma(h) * state[h][i][j] + key * v[h * valueWidth + j];
          o[j] += q[h * keyWidth + i] * state[h][i][j] / Math.sqrt(sums[h]);
        }
      }
      double squares = 0;
      for (double value : o) {
        squares += value * value;
      }
      for (int j = 0; j < valueWidth; j++) {
        double gate = g[h * valueWidth + j];
        gated[h * valueWidth + j] = silu(gate) * o[j] / Math.sqrt(squares / valueWidth + eps);
      }
    }
    return times(tensors.get(prefix + "out_proj.weight"), gated);
  }

  /** Rotates pairs (2i, 2i+1) of each head by t·10000^(−i/(n−1)). */
  private static void rotate(double[] x, int width, int t) {
    int n = width / 2;
    for (int from = 0; from < x.length; from += width) {
      for (int i = 0; i < n; i++) {
        double angle = t * (n == 1 ? 1 : Math.pow(10000, -(double) i / (n - 1)));
        double a = x[from + 2 * i];
        double b = x[from + 2 * i + 1];
        x[from + 2 * i] = a * Math.cos(angle) - b * Math.sin(angle);
        x[from + 2 * i + 1] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }

  private double[] feedForward(double[] x, String prefix) {
    double[] a = times(tensors.get(prefix + "fc1.weight"), x);
    double[] b = times(tensors.get(prefix + "gate.weight"), x);
    boolean gelu = config.path("activation_fn").asText("gelu").equals("gelu");
    for (int i = 0; i < a.length; i++) {
      a[i] = (gelu ? a[i] * (1 + erf(a[i] / Math.sqrt(2))) / 2 : silu(a[i])) * b[i];
    }
    return times(tensors.get(prefix + "fc2.weight"), a);
  }

  private static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** 2/√π · e^(−x²) · Σ 2^n x^(2n+1) / (2n+1)!!, all terms of one sign. */
  private static double erf(double x) {
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; n < 200; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  private double[] norm(double[] x, double[] weight) {
    double squares = 0;
    for (double value : x) {
      squares += value * value;
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
