package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/**
 * Keys of a configuration that nobody here reads, compares or knows as harmless. Most say nothing;
 * those whose name is that of a switch or of a part of a layer are refused, for a model that is
 * read without them may be another one, and nothing to be seen of it.
 *
 * @since 0.1
 */
public final class UnknownKeys {
  private static final List<String> ENDS = List.of("_norm", "_bias", "_decay", "_scale", "_factor");

  /**
   * What libraries put into every configuration, and how a model was trained or made: nothing of it
   * changes what is computed from a token to its logits.
   */
  private static final Set<String> HARMLESS =
      Set.of(
          "_attn_implementation",
          "_attn_implementation_autoset",
          "_commit_hash",
          "_flash_attn_2_enabled",
          "_name_or_path",
          "add_cross_attention",
          "architectures",
          "attention_dropout",
          "attn_dropout",
          "attn_implementation",
          "attn_mode",
          "attn_pdrop",
          "auto_map",
          "bad_words_ids",
          "begin_suppress_tokens",
          "bos_token_id",
          "chunk_size_feed_forward",
          "conv_size",
          "cross_attention_hidden_size",
          "decoder_start_token_id",
          "diversity_penalty",
          "do_sample",
          "dropout",
          "dtype",
          "early_stopping",
          "embd_pdrop",
          "encoder_no_repeat_ngram_size",
          "eos_token_id",
          "exponential_decay_length_penalty",
          "finetuning_task",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "fuse_cross_entropy",
          "fuse_linear_cross_entropy",
          "fuse_norm",
          "fuse_swiglu",
          "gradient_checkpointing",
          "hidden_dropout",
          "id2label",
          "initializer_factor",
          "initializer_range",
          "is_decoder",
          "is_encoder_decoder",
          "keys_to_ignore_at_inference",
          "label2id",
          "length_penalty",
          "lr_decay",
          "max_grad_norm",
          "max_length",
          "max_position_embeddings",
          "max_seq_len",
          "min_length",
          "model_max_length",
          "model_type",
          "no_repeat_ngram_size",
          "num_beam_groups",
          "num_beams",
          "num_return_sequences",
          "output_attentions",
          "output_hidden_states",
          "output_scores",
          "pad_token_id",
          "prefix",
          "problem_type",
          "pruned_heads",
          "remove_invalid_values",
          "repetition_penalty",
          "resid_pdrop",
          "return_dict",
          "return_dict_in_generate",
          "sep_token_id",
          "suppress_tokens",
          "task_specific_params",
          "temperature",
          "tf_legacy_loss",
          "tie_encoder_decoder",
          "tokenizer_class",
          "top_k",
          "top_p",
          "torch_dtype",
          "torchscript",
          "transformers_version",
          "typical_p",
          "unk_token_id",
          "use_bfloat16",
          "use_cache",
          "use_flash_attention",
          "use_flash_attention_2",
          "use_flash_attn",
          "use_gradient_checkpointing",
          "use_l2warp",
          "use_return_dict",
          "weight_decay");

  private UnknownKeys() {}

  /**
   * Returns the entries that are neither read nor known, by key.
   *
   * @param keys from which the family has read its configuration
   */
  public static Map<String, JsonNode> of(Family family, ConfigKeys keys) {
    Map<String, JsonNode> unknown = new TreeMap<>(keys.rest());
    unknown.keySet().removeAll(HARMLESS);
    unknown.keySet().removeAll(family.harmless());
    return unknown;
  }

  /**
   * Returns those that may change the mathematics by their names, false as well as true: nobody
   * knows which of the two is what is built here. A null says nothing.
   */
  public static Map<String, JsonNode> refused(Map<String, JsonNode> unknown) {
    Map<String, JsonNode> refused = new TreeMap<>(unknown);
    refused.entrySet().removeIf(entry -> !mayChange(entry.getKey()) || entry.getValue().isNull());
    return refused;
  }

  private static boolean mayChange(String key) {
    String name = key.toLowerCase(Locale.ROOT);
    return name.startsWith("use_") || ENDS.stream().anyMatch(name::endsWith);
  }

  /**
   * Refuses such keys.
   *
   * @throws CheckpointException that names them, their values and the way past this
   */
  public static void requireNone(String where, Map<String, JsonNode> unknown) {
    Map<String, JsonNode> refused = refused(unknown);
    if (!refused.isEmpty()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected no unknown key in %s that may change the mathematics by its name (use_...,"
                  + " ..._norm, ..._bias, ..._decay, ..._scale, ..._factor), got %s; where it"
                  + " changes nothing, --ignore-unknown (LoadOptions.withIgnoreUnknown) reads the"
                  + " model without it",
              where,
              refused.entrySet().stream()
                  .limit(5)
                  .map(entry -> shown(entry.getKey(), entry.getValue()))
                  .collect(Collectors.joining(", "))));
    }
  }

  /** Returns an entry as messages show it. */
  public static String shown(String key, JsonNode value) {
    return Shown.name(key) + " = " + Json.shown(value);
  }
}
