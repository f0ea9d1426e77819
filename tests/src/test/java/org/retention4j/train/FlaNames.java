package org.retention4j.train;

import java.util.Map;

/** What fla's checkpoints call the parameters of a decoder. */
final class FlaNames {
  private static final Map<String, String> ENDS =
      Map.of(
          "embedding", "model.embeddings.weight",
          "final norm", "model.norm.weight",
          "output", "lm_head.weight");

  private static final Map<String, String> OF_LAYER =
      Map.of(
          "mixer norm", "attn_norm.weight",
          "feed-forward norm", "mlp_norm.weight",
          "feed-forward.gate", "mlp.gate_proj.weight",
          "feed-forward.up", "mlp.up_proj.weight",
          "feed-forward.down", "mlp.down_proj.weight",
          "mixer.head norm", "attn.g_norm_swish_gate.weight");

  private FlaNames() {}

  static String of(String name) {
    if (ENDS.containsKey(name)) {
      return ENDS.get(name);
    }
    String[] parts = name.split("\\.", 3);
    String layer = "model.layers." + parts[1] + ".";
    if (OF_LAYER.containsKey(parts[2])) {
      return layer + OF_LAYER.get(parts[2]);
    }
    String own = parts[2].substring("mixer.".length());
    String matrix = own.substring(0, 1) + "_proj";
    return layer + "attn." + matrix + (own.endsWith(" bias") ? ".bias" : ".weight");
  }
}
