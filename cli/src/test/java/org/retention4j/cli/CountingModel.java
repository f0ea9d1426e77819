package org.retention4j.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A checkpoint that is known without being run: its layer adds nothing, and its output matrix finds
 * the token whose number is one more; after the last comes token 0.
 */
final class CountingModel {
  static final int VOCABULARY = 262;
  private static final int WIDTH = 32;

  /** What a normed row times itself is worth as a logit. */
  private static final double LARGEST = 12;

  private final float[][] table = new float[VOCABULARY][WIDTH];
  private final float[][] output = new float[VOCABULARY][WIDTH];

  CountingModel() {
    SplittableRandom random = new SplittableRandom(17);
    for (float[] row : table) {
      for (int i = 0; i < WIDTH; i++) {
        row[i] = (float) (random.nextDouble() + random.nextDouble() + random.nextDouble() - 1.5);
      }
    }
    for (int token = 0; token < VOCABULARY; token++) {
      double[] normed = normed(token);
      for (int i = 0; i < WIDTH; i++) {
        output[(token + 1) % VOCABULARY][i] = (float) (normed[i] * LARGEST / WIDTH);
      }
    }
  }

  private double[] normed(int token) {
    double squares = 0;
    for (float x : table[token]) {
      squares += (double) x * x;
    }
    double[] y = new double[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
      y[i] = table[token][i] / Math.sqrt(squares / WIDTH + 1e-6);
    }
    return y;
  }

  /** Returns ln p(next | token). */
  double logProbability(int token, int next) {
    double[] x = normed(token);
    double sum = 0;
    double chosen = 0;
    for (int j = 0; j < VOCABULARY; j++) {
      double logit = 0;
      for (int i = 0; i < WIDTH; i++) {
        logit += x[i] * output[j][i];
      }
      sum += Math.exp(logit);
      chosen = j == next ? logit : chosen;
    }
    return chosen - Math.log(sum);
  }

  private static float[][] filled(int rows, int columns, float value) {
    float[][] m = new float[rows][columns];
    for (float[] row : m) {
      java.util.Arrays.fill(row, value);
    }
    return m;
  }

  /** Writes it in fla's format; returns the folder. */
  Path write(Path folder, int begin, int end) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("config.json"),
        ("{'model_type':'retnet','hidden_size':32,'num_heads':2,'num_hidden_layers':1,"
                + "'intermediate_size':8,'vocab_size':262,'bos_token_id':"
                + begin
                + ",'eos_token_id':"
                + end
                + "}")
            .replace('\'', '"'));
    Map<String, float[][]> tensors = new LinkedHashMap<>();
    tensors.put("model.embeddings.weight", table);
    String layer = "model.layers.0.";
    for (String norm : new String[] {layer + "attn_norm", layer + "mlp_norm", "model.norm"}) {
      tensors.put(norm + ".weight", filled(1, WIDTH, 1));
    }
    tensors.put(layer + "attn.g_norm_swish_gate.weight", filled(1, WIDTH, 1));
    tensors.put(layer + "attn.q_proj.weight", filled(WIDTH, WIDTH, 0));
    tensors.put(layer + "attn.k_proj.weight", filled(WIDTH, WIDTH, 0));
    tensors.put(layer + "attn.v_proj.weight", filled(2 * WIDTH, WIDTH, 0));
    tensors.put(layer + "attn.g_proj.weight", filled(2 * WIDTH, WIDTH, 0));
    tensors.put(layer + "attn.o_proj.weight", filled(WIDTH, 2 * WIDTH, 0));
    tensors.put(layer + "mlp.gate_proj.weight", filled(8, WIDTH, 0));
    tensors.put(layer + "mlp.up_proj.weight", filled(8, WIDTH, 0));
    tensors.put(layer + "mlp.down_proj.weight", filled(WIDTH, 8, 0));
    tensors.put("lm_head.weight", output);
    Files.write(folder.resolve("model.safetensors"), safetensors(tensors));
    return folder;
  }

  private static byte[] safetensors(Map<String, float[][]> tensors) {
    StringBuilder header = new StringBuilder("{");
    int at = 0;
    for (Map.Entry<String, float[][]> tensor : tensors.entrySet()) {
      float[][] m = tensor.getValue();
      int end = at + 4 * m.length * m[0].length;
      String shape = (m.length == 1 ? "" : m.length + ",") + m[0].length;
      header.append(
          String.format(
              "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
              at == 0 ? "" : ",", tensor.getKey(), shape, at, end));
      at = end;
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = ByteBuffer.allocate(8 + json.length + at).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(json.length).put(json);
    for (float[][] m : tensors.values()) {
      for (float[] row : m) {
        for (float x : row) {
          file.putFloat(x);
        }
      }
    }
    return file.array();
  }
}
