package org.retention4j.bench.peers;

import java.util.Map;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/**
 * A RetNet over bytes and its batch: D, L, H (K = D/H, V = 2K), I of the SwiGLU, B rows of T tokens.
 *
 * @param target how many times libtorch's tokens/s ours should be
 */
record PeerCase(
    int width, int layers, int heads, int hidden, int rows, int tokens, double target) {
  static final int VOCABULARY = 256;

  /** By name. */
  static final Map<String, PeerCase> ALL =
      Map.of(
          "d256", new PeerCase(256, 6, 4, 704, 4, 512, 1.15),
          "d2048", new PeerCase(2048, 1, 8, 2816, 1, 1024, 1.1),
          "d64", new PeerCase(64, 2, 4, 128, 8, 512, 3),
          "d64-2048", new PeerCase(64, 2, 4, 128, 8, 256, 3),
          "d64-512", new PeerCase(64, 2, 4, 128, 8, 64, 3),
          "d64-256", new PeerCase(64, 2, 4, 128, 1, 256, 3));

  /** Returns the model. */
  DecoderConfig config() {
    LayerConfig layer =
        new LayerConfig(RetentionMixerConfig.fla(width, heads), hidden, Activation.SILU);
    return DecoderConfig.of(VOCABULARY, width, DecoderConfig.uniform(layers, layer));
  }

  /** Returns a token of the batch, the same for both; the target is the one that follows. */
  int token(int row, int at) {
    long mixed = (row * 1_000_003L + at) * 0x9E3779B97F4A7C15L;
    // Some bytes are frequent, as in texts.
    return (int) ((mixed >>> 58) * (mixed >>> 40 & 3) + (mixed >>> 20 & 15));
  }
}
