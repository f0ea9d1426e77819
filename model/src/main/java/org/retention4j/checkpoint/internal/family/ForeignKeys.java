package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/**
 * Keys of other models' code, and misspelt ones, under which a configuration asks for mathematics
 * that neither family has. They are refused by name, but for the value that says what is built.
 */
final class ForeignKeys {
  /** What a message says of {@link #OLD}. */
  static final String OLD_FORMAT =
      "the file is of syncdoth's old RetNet format, whose layers have biases and decays of their"
          + " own; only its later format, with decoder_embed_dim, is read";

  /** Keys of syncdoth's first port, which no other RetNet has. */
  static final Set<String> OLD =
      Set.of(
          "num_layers",
          "qk_dim",
          "v_dim",
          "ffn_proj_size",
          "use_bias_in_msr",
          "use_bias_in_msr_out",
          "use_bias_in_mlp",
          "use_default_gamma");

  /** Parts of layers that XATL's RetNet and others of syncdoth's code may have. */
  private static final List<String> SWITCHES =
      List.of(
          "use_ffn_rms_norm",
          "use_bias",
          "lm_head_bias",
          "parallel_residual",
          "shared_attention_norm",
          "groupnorm_affine",
          "retnet_bottleneck");

  /** Factors that are 1 here. */
  private static final List<String> FACTORS =
      List.of(
          "logit_scale",
          "logits_scaling",
          "embedding_multiplier",
          "residual_multiplier",
          "rotary_percentage",
          "partial_rotary_factor");

  /** What is not there at all. */
  private static final List<String> NOTHING =
      List.of(
          "rope_scaling",
          "attention_multiplier",
          "attn_logit_softcapping",
          "final_logit_softcapping");

  private ForeignKeys() {}

  /**
   * Refuses what no family has.
   *
   * @throws CheckpointException that names the key, its value and what is built
   */
  static void refuse(ConfigKeys keys) {
    if (keys.has("num_rettention_heads")) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected num_heads, or decoder_retention_heads in torchscale's format, in %s, got"
                  + " num_rettention_heads = %s, which is misspelt",
              keys.where(),
              Json.shown(keys.get("num_rettention_heads"))));
    }
    for (String bias : List.of("use_bias_in_msr", "use_bias_in_msr_out", "use_bias_in_mlp")) {
      keys.refuse(bias, keys.flag(bias, false), "false; " + OLD_FORMAT);
    }
    keys.refuse("use_default_gamma", !keys.flag("use_default_gamma", true), "true; " + OLD_FORMAT);
    for (String key : SWITCHES) {
      keys.refuse(key, keys.flag(key, false), "false");
    }
    // True stays unknown: the same norms, but of a code that may have other differences.
    JsonNode norms = keys.rest().get("use_rms_norm");
    boolean other = norms != null && norms.isBoolean() && !norms.booleanValue();
    keys.refuse("use_rms_norm", other, "RMSNorm, the norm of all layers here");
    for (String key : FACTORS) {
      keys.refuse(key, keys.has(key) && !isOne(keys.get(key)), "1");
    }
    for (String key : NOTHING) {
      keys.refuse(key, keys.has(key), "null");
    }
    JsonNode hybrid = keys.get("hybrid_attention_layers");
    boolean layers = hybrid != null && !(hybrid.isArray() && hybrid.isEmpty());
    keys.refuse("hybrid_attention_layers", layers, "null or []");
  }

  private static boolean isOne(JsonNode value) {
    return value.isNumber() && value.doubleValue() == 1;
  }
}
