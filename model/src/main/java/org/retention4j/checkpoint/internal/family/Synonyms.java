package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/**
 * Keys under which other models hold what a family's own keys say. One that says the same is no
 * matter; one that says something else was meant for another model than the one that would load.
 */
final class Synonyms {
  private static final List<String> LAYERS =
      List.of("num_hidden_layers", "num_layers", "n_layers", "n_layer", "layers");

  private static final List<String> WIDTH =
      List.of(
          "hidden_size",
          "d_model",
          "n_embd",
          "embed_dim",
          "dim",
          "model_dim",
          "embedding_dim",
          "embedding_size");

  private static final List<String> VOCABULARY = List.of("n_vocab", "vocabulary_size");

  private static final List<String> HEADS =
      List.of(
          "num_heads", "num_attention_heads", "num_retention_heads", "n_heads", "n_head", "heads");

  private static final List<String> KV_HEADS =
      List.of("num_kv_heads", "num_key_value_heads", "n_kv_heads", "n_head_kv");

  private static final List<String> KEY_WIDTH =
      List.of("head_k_dim", "qk_head_dim", "key_head_dim", "head_qk_dim");

  private static final List<String> VALUE_WIDTH =
      List.of("head_v_dim", "v_head_dim", "value_head_dim");

  private static final List<String> FEED_FORWARD =
      List.of(
          "intermediate_size",
          "ffn_proj_size",
          "ffn_dim",
          "ffn_size",
          "ffn_hidden_size",
          "n_inner",
          "d_ff");

  private static final List<String> EPS =
      List.of(
          "norm_eps",
          "rms_norm_eps",
          "layer_norm_eps",
          "layernorm_eps",
          "layer_norm_epsilon",
          "rms_norm_epsilon",
          "norm_epsilon");

  private static final List<String> ACTIVATION =
      List.of("hidden_act", "activation_fn", "activation_function", "hidden_activation", "act_fn");

  private static final List<String> ROTATION =
      List.of("rope_theta", "rotary_base", "rope_base", "rotary_emb_base");

  private final ConfigKeys keys;

  private Synonyms(ConfigKeys keys) {
    this.keys = keys;
  }

  /**
   * Checks keys beside fla's.
   *
   * @throws CheckpointException if one says something else than fla's own, naming both
   */
  static void requireFla(ConfigKeys keys, DecoderConfig config) {
    Synonyms all = new Synonyms(keys);
    int d = config.modelWidth();
    all.agree("num_hidden_layers", LAYERS, config.layers().size());
    all.agree("hidden_size", WIDTH, d);
    all.agree("vocab_size", VOCABULARY, config.vocabulary());
    all.agree("norm_eps", EPS, config.normEps());
    all.feedForward("intermediate_size", config);
    all.activation("hidden_act", "swish", "silu");
    // Those of attention layers, of which no two need be alike, are meant as often.
    List<AttentionConfig> attention =
        mixers(config).flatMap(mixer -> AttentionConfig.matching(mixer).stream()).toList();
    Optional<RetentionConfig> retention = retention(config);
    int heads = retention.map(RetentionConfig::heads).orElse(keys.size("num_heads", 8));
    int kvHeads = retention.map(RetentionConfig::kvHeads).orElse(heads);
    all.agree("num_heads", HEADS, with(attention, AttentionConfig::heads, heads));
    all.agree("num_kv_heads", KV_HEADS, with(attention, AttentionConfig::kvHeads, kvHeads));
    retention.ifPresent(c -> all.headWidths("expand_k", "expand_v", c, attention));
    all.rotation(attention);
    all.window(attention);
  }

  /**
   * Checks keys beside torchscale's.
   *
   * @throws CheckpointException if one says something else than torchscale's own, naming both
   */
  static void requireTorchscale(ConfigKeys keys, DecoderConfig config) {
    Synonyms all = new Synonyms(keys);
    all.agree("decoder_layers", LAYERS, config.layers().size());
    all.agree("decoder_embed_dim", WIDTH, config.modelWidth());
    all.agree("vocab_size", VOCABULARY, config.vocabulary());
    all.agree("layernorm_eps", EPS, config.normEps());
    all.feedForward("decoder_ffn_embed_dim", config);
    boolean gelu = config.layers().get(0).activation() == Activation.GELU;
    all.activation("activation_fn", gelu ? new String[] {"gelu"} : new String[] {"swish", "silu"});
    RetentionConfig c = retention(config).orElseThrow();
    all.agree("decoder_retention_heads", HEADS, c.heads());
    all.agree("decoder_retention_heads", KV_HEADS, c.kvHeads());
    all.headWidths("decoder_embed_dim", "decoder_value_embed_dim", c, List.of());
    all.rotation(List.of());
    all.window(List.of());
  }

  private static Stream<MixerConfig> mixers(DecoderConfig config) {
    return config.layers().stream().map(LayerConfig::mixer).distinct();
  }

  private static Optional<RetentionConfig> retention(DecoderConfig config) {
    return mixers(config)
        .flatMap(mixer -> RetentionMixerConfig.matching(mixer).stream())
        .map(RetentionMixerConfig::block)
        .findFirst();
  }

  private static double[] with(
      List<AttentionConfig> attention, ToIntFunction<AttentionConfig> size, int... others) {
    return IntStream.concat(IntStream.of(others), attention.stream().mapToInt(size))
        .asDoubleStream()
        .toArray();
  }

  /** The last is the model's width to some and the feed-forward's to others. */
  private void feedForward(String own, DecoderConfig config) {
    int hidden = config.layers().get(0).hidden();
    agree(own, FEED_FORWARD, hidden);
    agree(own, List.of("hidden_dim"), hidden, config.modelWidth());
  }

  /** Checks the widths of all keys and values of a layer, and those of one head. */
  private void headWidths(
      String ownKeys, String ownValues, RetentionConfig c, List<AttentionConfig> attention) {
    agree(ownKeys, List.of("qk_dim", "key_dim"), (double) c.heads() * c.keyWidth());
    agree(ownValues, List.of("v_dim", "value_dim"), (double) c.heads() * c.valueWidth());
    agree(ownKeys, KEY_WIDTH, c.keyWidth());
    agree(ownValues, VALUE_WIDTH, c.valueWidth());
    agree(
        ownKeys,
        List.of("head_dim"),
        with(attention, AttentionConfig::headWidth, c.keyWidth(), c.valueWidth()));
  }

  /** Retention has one base, which no key of either family sets; attention layers name theirs. */
  private void rotation(List<AttentionConfig> attention) {
    double[] bases =
        DoubleStream.concat(
                DoubleStream.of(Rotation.FLA.base()),
                attention.stream().mapToDouble(AttentionConfig::ropeBase))
            .toArray();
    for (String name : ROTATION) {
      if (keys.has(name) && !isOneOf(keys.get(name), bases)) {
        throw refused(name, "rotation of base " + all(bases));
      }
    }
  }

  /** A window at the top would be no window: only an attention layer's own entry has one. */
  private void window(List<AttentionConfig> attention) {
    boolean off = keys.has("use_sliding_window") && !keys.flag("use_sliding_window", true);
    double[] windows =
        attention.stream()
            .mapToDouble(AttentionConfig::window)
            .filter(window -> window != AttentionConfig.UNBOUNDED)
            .toArray();
    for (String name : List.of("sliding_window", "window_size")) {
      if (keys.has(name) && !off && !isOneOf(keys.get(name), windows)) {
        throw refused(
            name, windows.length == 0 ? "no window" : "a window of an attn entry, " + all(windows));
      }
    }
  }

  private CheckpointException refused(String name, String built) {
    return new CheckpointException(
        String.format(
            Locale.ROOT,
            "%s has %s = %s, a key that the family does not read: expected no such key, null, or"
                + " what is built, %s",
            keys.where(),
            name,
            Json.shown(keys.get(name)),
            built));
  }

  private static String all(double... values) {
    return DoubleStream.of(values)
        .distinct()
        .mapToObj(Synonyms::shown)
        .collect(Collectors.joining(" or "));
  }

  private void activation(String own, String... values) {
    for (String name : ACTIVATION) {
      String value = name.equals(own) ? values[0] : keys.textOrNull(name, values[0]);
      if (!List.of(values).contains(value)) {
        throw differs(own, name, String.join(" or ", values));
      }
    }
  }

  private void agree(String own, List<String> names, double... values) {
    for (String name : names) {
      if (!name.equals(own) && keys.has(name) && !isOneOf(keys.get(name), values)) {
        throw differs(own, name, all(values));
      }
    }
  }

  private static boolean isOneOf(JsonNode number, double... values) {
    return number.isNumber() && DoubleStream.of(values).anyMatch(v -> v == number.doubleValue());
  }

  private CheckpointException differs(String own, String name, String expected) {
    return new CheckpointException(
        String.format(
            Locale.ROOT,
            "expected %s = %s, or no such key, beside %s = %s in %s, got %s = %s, a key of another"
                + " model",
            name,
            expected,
            own,
            keys.names(own) ? Json.shown(keys.get(own)) : "its default",
            keys.where(),
            name,
            Json.shown(keys.get(name))));
  }

  private static String shown(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%.0f", value)
        : Double.toString(value);
  }
}
