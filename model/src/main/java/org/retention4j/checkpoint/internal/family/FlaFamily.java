package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.WeightSpec;

/**
 * RetNetForCausalLM of flash-linear-attention, the format of the published checkpoints.
 *
 * @since 0.1
 */
public final class FlaFamily implements Family {
  /** Keys of fla that have a default, each with what other RetNets call the same. */
  private static final List<List<String>> OTHERS =
      List.of(
          List.of("num_hidden_layers", "num_layers", "n_layers", "n_layer", "layers"),
          List.of("hidden_size", "d_model", "n_embd", "embed_dim", "hidden_dim"),
          List.of("num_heads", "num_attention_heads", "n_heads", "n_head", "heads"),
          List.of("expand_k", "qk_dim"),
          List.of("expand_v", "v_dim"),
          List.of("intermediate_size", "ffn_proj_size", "ffn_dim", "ffn_size", "n_inner"));

  /** What has no effect in fla's RetNet, and what its retention layers alone read. */
  private static final Set<String> HARMLESS =
      Set.of(
          "elementwise_affine",
          "expand_k",
          "expand_v",
          "feature_map",
          "hidden_ratio",
          "num_heads",
          "num_kv_heads",
          "rescale_prenorm_residual",
          "use_output_gate",
          "use_short_conv");

  /** All keys that fla reads from an entry of attn. */
  private static final Set<String> ATTENTION =
      Set.of("layers", "num_heads", "num_kv_heads", "qkv_bias", "window_size", "rope_theta");

  private static final String HEAD_NORM = "head norm";

  /** The tensors of mixers' weights but for head norms. */
  private static final Map<String, String> TENSORS =
      Map.of(
          "query", "q_proj.weight",
          "key", "k_proj.weight",
          "value", "v_proj.weight",
          "gate", "g_proj.weight",
          "output", "o_proj.weight",
          "query bias", "q_proj.bias",
          "key bias", "k_proj.bias",
          "value bias", "v_proj.bias");

  @Override
  public List<String> mixers() {
    return List.of(RetentionMixerConfig.KIND, AttentionConfig.KIND);
  }

  @Override
  public String name() {
    return "fla";
  }

  @Override
  public Set<String> harmless() {
    return HARMLESS;
  }

  @Override
  public DecoderConfig config(ConfigKeys keys) {
    ForeignKeys.refuse(keys);
    refuseOthers(keys);
    keys.refuse(
        "use_lm_decay",
        keys.flag("use_lm_decay", false),
        "false, for decays of fla are pow2; the key belongs to torchscale's format");
    String act = keys.text("hidden_act", "swish");
    keys.refuse("hidden_act", !act.equals("swish") && !act.equals("silu"), "swish or silu");
    keys.refuse("attnres_block_size", keys.has("attnres_block_size"), "null");
    keys.refuse("quantization_config", keys.has("quantization_config"), "null");
    int d = keys.size("hidden_size", 2048);
    int count = keys.layers("num_hidden_layers", keys.size("num_hidden_layers", 24));
    double eps = keys.positive("norm_eps", 1e-6);
    int hidden = keys.sizeOrNull("intermediate_size", roundedHidden(keys, d));
    LayerConfig[] layers = new LayerConfig[count];
    JsonNode attn = keys.get("attn");
    if (attn != null) {
      for (JsonNode entry : attn.isArray() ? attn : List.of(attn)) {
        attend(new ConfigKeys("attn of " + keys.where(), entry), d, hidden, layers);
      }
    }
    if (Arrays.asList(layers).contains(null)) {
      RetentionMixerConfig retention = new RetentionMixerConfig(retention(keys, d, eps));
      LayerConfig usual = new LayerConfig(retention, hidden, Activation.SILU);
      Arrays.setAll(layers, i -> layers[i] == null ? usual : layers[i]);
    }
    boolean tied = keys.flag("tie_word_embeddings", false);
    DecoderConfig config =
        new DecoderConfig(keys.size("vocab_size", 32000), d, List.of(layers), eps, 1, false, tied);
    Synonyms.requireFla(keys, config);
    return config;
  }

  /** A key of another RetNet, without fla's own, would leave fla's default in its place. */
  private static void refuseOthers(ConfigKeys keys) {
    for (List<String> names : OTHERS) {
      for (String name : names) {
        if (keys.has(name) && !keys.has(names.get(0))) {
          throw new CheckpointException(
              String.format(
                  Locale.ROOT,
                  "expected fla's key %s in %s, got %s = %s, a key of another RetNet%s",
                  names.get(0),
                  keys.where(),
                  name,
                  Json.shown(keys.get(name)),
                  ForeignKeys.OLD.contains(name) ? ": " + ForeignKeys.OLD_FORMAT : ""));
        }
      }
    }
  }

  /** 256·⌈int(hidden·ratio·2/3)/256⌉. */
  private static int roundedHidden(ConfigKeys keys, int d) {
    double ratio = keys.isNull("hidden_ratio") ? 4 : keys.positive("hidden_ratio", 2);
    long inner = (long) (d * ratio * 2 / 3);
    return Math.toIntExact(Math.max(1, (inner + 255) / 256) * 256);
  }

  private static RetentionConfig retention(ConfigKeys keys, int d, double eps) {
    int heads = keys.size("num_heads", 8);
    int kvHeads = keys.sizeOrNull("num_kv_heads", heads);
    if (heads % kvHeads != 0) {
      throw keys.bad("num_kv_heads", "a divisor of num_heads = " + heads);
    }
    String map = keys.textOrNull("feature_map", "identity");
    keys.refuse(
        "feature_map", !map.equals("relu") && !map.equals("identity"), "null, relu or identity");
    int keyWidth = headWidth(keys, "expand_k", 1, d, heads);
    if (keyWidth % 2 != 0) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected an even key width per head for rotation in %s, got %d",
              keys.where(),
              keyWidth));
    }
    return RetentionConfig.builder(d, heads)
        .kvHeads(kvHeads)
        .keyWidth(keyWidth)
        .valueWidth(headWidth(keys, "expand_v", 2, d, heads))
        .normEps(eps)
        .norm(keys.flag("elementwise_affine", true) ? HeadNorm.RMS : HeadNorm.PLAIN_RMS)
        .gate(keys.flag("use_output_gate", true) ? Activation.SILU : Activation.NONE)
        .featureMap(map.equals("relu") ? Activation.RELU : Activation.NONE)
        .build();
  }

  private static int headWidth(ConfigKeys keys, String key, double otherwise, int d, int heads) {
    double factor = keys.positive(key, otherwise);
    long all = (long) (d * factor);
    if (all < heads || all % heads != 0) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected hidden_size x %s to be a multiple of num_heads = %d in %s, got %d x %s%s",
              key,
              heads,
              keys.where(),
              d,
              factor,
              all == d * factor ? " = " + all : ", which is cut off to " + all));
    }
    return Math.toIntExact(all / heads);
  }

  private static void attend(ConfigKeys keys, int d, int hidden, LayerConfig[] layers) {
    keys.refuseAllBut(ATTENTION);
    int heads = keys.size("num_heads");
    int kvHeads = keys.sizeOrNull("num_kv_heads", heads);
    if (d % heads != 0 || heads % kvHeads != 0 || d / heads % 2 != 0) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected num_heads to divide %d into even widths and num_kv_heads to divide"
                  + " num_heads in %s, got %d and %d",
              d,
              keys.where(),
              heads,
              kvHeads));
    }
    AttentionConfig attention =
        new AttentionConfig(
            d,
            heads,
            kvHeads,
            d / heads,
            keys.positive("rope_theta", 10_000),
            keys.sizeOrNull("window_size", AttentionConfig.UNBOUNDED),
            keys.flag("qkv_bias", false));
    JsonNode indices = keys.get("layers");
    if (indices == null || !indices.isArray()) {
      throw keys.bad("layers", "a list of layer numbers");
    }
    Set<Integer> own = new HashSet<>();
    for (JsonNode index : indices) {
      if (!index.isInt() || index.intValue() < 0 || index.intValue() >= layers.length) {
        throw keys.bad("layers", "layer numbers in 0.." + (layers.length - 1));
      }
      if (layers[index.intValue()] != null && !own.contains(index.intValue())) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected each layer in one entry of %s, got layer %s in two",
                keys.where(),
                index));
      }
      own.add(index.intValue());
      layers[index.intValue()] = new LayerConfig(attention, hidden, Activation.SILU);
    }
  }

  @Override
  public boolean ignores(String tensor, DecoderConfig config) {
    return config.tiedOutput() && tensor.equals("lm_head.weight");
  }

  @Override
  public List<ExpectedTensor> tensors(DecoderConfig config, TensorNames present) {
    int d = config.modelWidth();
    int vocabulary = config.vocabulary();
    List<ExpectedTensor> all = new ArrayList<>();
    all.add(ExpectedTensor.table("model.embeddings.weight", vocabulary, d, config.tiedOutput()));
    for (int i = 0; i < config.layers().size(); i++) {
      String prefix = "model.layers." + i + ".";
      LayerConfig layer = config.layers().get(i);
      all.add(ExpectedTensor.norm(prefix + "attn_norm.weight", d));
      for (WeightSpec weight : layer.mixer().weights()) {
        all.add(ExpectedTensor.of(tensor(prefix, layer.mixer(), weight, present), weight));
      }
      all.add(ExpectedTensor.norm(prefix + "mlp_norm.weight", d));
      addFeedForward(all, layer.hidden(), d, prefix + "mlp.", present);
    }
    all.add(ExpectedTensor.norm("model.norm.weight", d));
    if (!config.tiedOutput()) {
      all.add(ExpectedTensor.output("lm_head.weight", vocabulary, d));
    }
    return all;
  }

  /** Returns the name of the tensor of a mixer's weight. */
  public static String tensor(
      String prefix, MixerConfig mixer, WeightSpec weight, TensorNames present) {
    String attn = prefix + "attn.";
    return weight.name().equals(HEAD_NORM)
        ? headNorm(attn, mixer, present)
        : attn + TENSORS.get(weight.name());
  }

  /** The norm's name depends on whether norm and gate were one kernel where it was trained. */
  private static String headNorm(String attn, MixerConfig mixer, TensorNames present) {
    String plain = attn + "g_norm.weight";
    String fused = attn + "g_norm_swish_gate.weight";
    boolean gate = mixer.weights().stream().anyMatch(weight -> weight.name().equals("gate"));
    boolean usePlain = !present.has(fused) && (present.has(plain) || !gate);
    return usePlain ? plain : fused;
  }

  private static void addFeedForward(
      List<ExpectedTensor> all, int hidden, int d, String prefix, TensorNames present) {
    if (isFused(prefix, hidden, present)) {
      all.add(ExpectedTensor.fused(prefix + "gate_proj.weight", 2L * hidden, d));
    } else {
      all.add(ExpectedTensor.matrix(prefix + "gate_proj.weight", hidden, d));
      all.add(ExpectedTensor.matrix(prefix + "up_proj.weight", hidden, d));
    }
    all.add(ExpectedTensor.matrix(prefix + "down_proj.weight", d, hidden));
  }

  /** Older files hold gate and up fused in one matrix, gate first. */
  private static boolean isFused(String prefix, int hidden, TensorNames present) {
    return !present.has(prefix + "up_proj.weight")
        && present.test(prefix + "gate_proj.weight", 2L * hidden);
  }

  @Override
  public LanguageModel load(DecoderConfig config, Weights reader) {
    int d = config.modelWidth();
    int vocabulary = config.vocabulary();
    RowTable table = reader.table("model.embeddings.weight", vocabulary, d);
    List<DecoderLayer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers().size(); i++) {
      layers.add(layer(config, i, reader));
    }
    return new LanguageModel(
        reader.engine(), config, table, Optional.empty(), layers, head(config, reader));
  }

  @Override
  public LmHead head(DecoderConfig config, Weights reader) {
    int d = config.modelWidth();
    String output = config.tiedOutput() ? "model.embeddings.weight" : "lm_head.weight";
    return new LmHead(
        reader.engine(),
        reader.vector("model.norm.weight", d),
        config.normEps(),
        reader.output(output, config.vocabulary(), d));
  }

  @Override
  public String embeddingName(CheckpointFiles files) {
    return "model.embeddings.weight";
  }

  @Override
  public DecoderLayer layer(DecoderConfig config, int index, Weights reader) {
    String prefix = "model.layers." + index + ".";
    LayerConfig layer = config.layers().get(index);
    int d = config.modelWidth();
    TokenMixer mixer =
        layer
            .mixer()
            .create(
                reader.source(weight -> tensor(prefix, layer.mixer(), weight, reader.present())));
    return new DecoderLayer(
        reader.engine(),
        mixer,
        feedForward(layer.hidden(), d, reader, prefix + "mlp."),
        reader.vector(prefix + "attn_norm.weight", d),
        reader.vector(prefix + "mlp_norm.weight", d),
        config.normEps());
  }

  private static FeedForward feedForward(int hidden, int d, Weights reader, String prefix) {
    String gateName = prefix + "gate_proj.weight";
    String upName = prefix + "up_proj.weight";
    boolean apart = !isFused(prefix, hidden, reader.present());
    PackedMatrix gate =
        apart
            ? reader.matrix(gateName, hidden, d)
            : reader.matrix(gateName, 0, hidden, d, 2 * hidden);
    PackedMatrix up =
        apart
            ? reader.matrix(upName, hidden, d)
            : reader.matrix(gateName, hidden, hidden, d, 2 * hidden);
    PackedMatrix down = reader.matrix(prefix + "down_proj.weight", d, hidden);
    return new FeedForward(reader.engine(), gate, up, down, Activation.SILU);
  }
}
