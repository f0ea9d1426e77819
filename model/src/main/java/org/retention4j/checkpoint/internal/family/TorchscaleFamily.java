package org.retention4j.checkpoint.internal.family;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.checkpoint.internal.files.TensorNames;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.WeightSpec;

/**
 * RetNet of Microsoft's torchscale, and of its port to the Hugging Face library, which puts
 * "model." before the names.
 */
final class TorchscaleFamily implements Family {
  /** Those that tell it from other families; each must be there. */
  static final List<String> KEYS =
      List.of(
          "decoder_embed_dim",
          "decoder_value_embed_dim",
          "decoder_retention_heads",
          "decoder_ffn_embed_dim",
          "decoder_layers");

  /** The names of the output matrix. */
  private static final List<String> OUTPUTS = List.of("output_projection.weight", "lm_head.weight");

  /** Those of experts say nothing where moe_freq is 0, the buckets nothing where nobody attends. */
  private static final Set<String> HARMLESS =
      Set.of(
          "activation_dropout",
          "attention_dropout",
          "checkpoint_activations",
          "chunkwise_recurrent",
          "ddp_rank",
          "decoder_attention_heads",
          "drop_path_rate",
          "dropout",
          "flash_attention",
          "forward_impl",
          "fsdp",
          "max_rel_pos",
          "max_source_positions",
          "max_target_positions",
          "moe_eval_capacity_token_fraction",
          "moe_expert_count",
          "moe_gating_use_fp32",
          "moe_normalize_gate_prob_before_dropping",
          "moe_second_expert_policy",
          "moe_top1_expert",
          "output_retentions",
          "recurrent_chunk_size",
          "rel_pos_buckets",
          "segment_length",
          "sentencepiece_model",
          "subln",
          "use_xmoe",
          "xpos_rel_pos",
          "xpos_scale_base",
          "z_loss_coeff");

  private static final String PORT_EMBEDDING = "model.embed_tokens.weight";

  /** The tensors of retention's weights. */
  private static final Map<String, String> TENSORS =
      Map.of(
          "query", "retention.q_proj.weight",
          "key", "retention.k_proj.weight",
          "value", "retention.v_proj.weight",
          "gate", "retention.g_proj.weight",
          "output", "retention.out_proj.weight");

  @Override
  public List<String> mixers() {
    return List.of(RetentionMixerConfig.KIND);
  }

  @Override
  public double bound(ElementType type) {
    return Bounds.torchscaleModel(type);
  }

  @Override
  public String name() {
    return "torchscale";
  }

  @Override
  public Set<String> harmless() {
    return HARMLESS;
  }

  @Override
  public DecoderConfig config(ConfigKeys keys) {
    ForeignKeys.refuse(keys);
    keys.refuse("use_short_conv", keys.flag("use_short_conv", false), "false");
    keys.refuse("deepnorm", keys.flag("deepnorm", false), "false");
    keys.refuse("use_glu", !keys.flag("use_glu", true), "true");
    keys.refuse("decoder_normalize_before", !keys.flag("decoder_normalize_before", true), "true");
    keys.refuse("moe_freq", keys.integer("moe_freq", 0) != 0, "0");
    keys.refuse("multiway", keys.flag("multiway", false), "false");
    keys.refuse("no_output_layer", keys.flag("no_output_layer", false), "false");
    keys.refuse("quantization_config", keys.has("quantization_config"), "null");
    String act = keys.text("activation_fn", "gelu");
    boolean swish = act.equals("swish") || act.equals("silu");
    keys.refuse("activation_fn", !swish && !act.equals("gelu"), "gelu or swish");
    int d = keys.size("decoder_embed_dim");
    double eps = keys.positive("layernorm_eps", 1e-6);
    LayerConfig layer =
        new LayerConfig(
            new RetentionMixerConfig(retention(keys, d, eps)),
            keys.size("decoder_ffn_embed_dim"),
            swish ? Activation.SILU : Activation.GELU);
    boolean tied =
        keys.flag("share_decoder_input_output_embed", false)
            || keys.flag("tie_word_embeddings", false);
    int layers = keys.layers("decoder_layers", keys.size("decoder_layers"));
    DecoderConfig config =
        new DecoderConfig(
            keys.size("vocab_size"),
            d,
            DecoderConfig.uniform(layers, layer),
            eps,
            keys.flag("no_scale_embedding", true) ? 1 : Math.sqrt(d),
            keys.flag("layernorm_embedding", false),
            tied);
    Synonyms.requireTorchscale(keys, config);
    return config;
  }

  private static RetentionConfig retention(ConfigKeys keys, int d, double eps) {
    int heads = keys.size("decoder_retention_heads");
    int values = keys.size("decoder_value_embed_dim");
    if (d % heads != 0 || values % heads != 0 || d / heads % 2 != 0) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected decoder_retention_heads to divide decoder_embed_dim = %d into even widths"
                  + " and decoder_value_embed_dim = %d in %s, got %d",
              d,
              values,
              keys.where(),
              heads));
    }
    boolean linspace = keys.flag("use_lm_decay", false);
    return RetentionConfig.builder(d, heads)
        .keyWidth(d / heads)
        .valueWidth(values / heads)
        .rotation(Rotation.TORCHSCALE)
        .norm(HeadNorm.PLAIN_RMS)
        .normEps(eps)
        .scaleKeys(true)
        .normaliseOutput(true)
        .decay(linspace ? DecaySchedule.linspace(heads) : DecaySchedule.pow2(heads))
        .build();
  }

  /** In torchscale both are one parameter, into which the file's last would be read. */
  @Override
  public List<String> copiesOfEmbedding(DecoderConfig config, TensorNames present) {
    return config.tiedOutput() ? OUTPUTS.stream().filter(present::has).toList() : List.of();
  }

  /** Rotation and decay are computed here, in double, whatever the file says. */
  @Override
  public boolean ignores(String tensor, DecoderConfig config) {
    boolean output = OUTPUTS.contains(tensor);
    return tensor.endsWith("retnet_rel_pos.angle")
        || tensor.endsWith("retnet_rel_pos.decay")
        || (output && config.tiedOutput());
  }

  @Override
  public List<ExpectedTensor> tensors(DecoderConfig config, TensorNames present) {
    boolean port = present.has(PORT_EMBEDDING);
    String root = port ? "model." : "";
    int d = config.modelWidth();
    int vocabulary = config.vocabulary();
    List<ExpectedTensor> all = new ArrayList<>();
    all.add(ExpectedTensor.table(root + "embed_tokens.weight", vocabulary, d, config.tiedOutput()));
    if (config.embeddingNorm()) {
      all.add(ExpectedTensor.norm(root + "layernorm_embedding.weight", d));
    }
    for (int i = 0; i < config.layers().size(); i++) {
      add(all, config.layers().get(i), root + "layers." + i + ".");
    }
    all.add(ExpectedTensor.norm(root + "layer_norm.weight", d));
    if (!config.tiedOutput()) {
      all.add(ExpectedTensor.output(outputName(port), vocabulary, d));
    }
    return all;
  }

  private static void add(List<ExpectedTensor> all, LayerConfig layer, String prefix) {
    int d = layer.modelWidth();
    for (WeightSpec weight : layer.mixer().weights()) {
      all.add(ExpectedTensor.of(prefix + TENSORS.get(weight.name()), weight));
    }
    all.add(ExpectedTensor.norm(prefix + "retention_layer_norm.weight", d));
    all.add(ExpectedTensor.matrix(prefix + "ffn.fc1.weight", layer.hidden(), d));
    all.add(ExpectedTensor.matrix(prefix + "ffn.gate.weight", layer.hidden(), d));
    all.add(ExpectedTensor.matrix(prefix + "ffn.fc2.weight", d, layer.hidden()));
    all.add(ExpectedTensor.norm(prefix + "final_layer_norm.weight", d));
  }

  private static String outputName(boolean port) {
    return port ? "lm_head.weight" : "output_projection.weight";
  }

  @Override
  public LanguageModel load(DecoderConfig config, Weights reader) {
    boolean port = reader.present().has(PORT_EMBEDDING);
    String root = port ? "model." : "";
    int d = config.modelWidth();
    int vocabulary = config.vocabulary();
    RowTable table = reader.table(root + "embed_tokens.weight", vocabulary, d);
    List<DecoderLayer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers().size(); i++) {
      layers.add(layer(config, i, reader));
    }
    return new LanguageModel(
        reader.engine(),
        config,
        table,
        embeddingNorm(config, reader),
        layers,
        head(config, reader));
  }

  @Override
  public Optional<double[]> embeddingNorm(DecoderConfig config, Weights reader) {
    String root = reader.present().has(PORT_EMBEDDING) ? "model." : "";
    return config.embeddingNorm()
        ? Optional.of(reader.vector(root + "layernorm_embedding.weight", config.modelWidth()))
        : Optional.empty();
  }

  @Override
  public LmHead head(DecoderConfig config, Weights reader) {
    boolean port = reader.present().has(PORT_EMBEDDING);
    String root = port ? "model." : "";
    int d = config.modelWidth();
    return new LmHead(
        reader.engine(),
        reader.vector(root + "layer_norm.weight", d),
        config.normEps(),
        reader.output(
            config.tiedOutput() ? root + "embed_tokens.weight" : outputName(port),
            config.vocabulary(),
            d));
  }

  @Override
  public String embeddingName(CheckpointFiles files) {
    return files.has(PORT_EMBEDDING) ? PORT_EMBEDDING : "embed_tokens.weight";
  }

  @Override
  public DecoderLayer layer(DecoderConfig config, int index, Weights reader) {
    String root = reader.present().has(PORT_EMBEDDING) ? "model." : "";
    String prefix = root + "layers." + index + ".";
    Engine engine = reader.engine();
    LayerConfig layer = config.layers().get(index);
    int d = layer.modelWidth();
    TokenMixer mixer =
        layer.mixer().create(reader.source(weight -> prefix + TENSORS.get(weight.name())));
    FeedForward feedForward =
        new FeedForward(
            engine,
            reader.matrix(prefix + "ffn.fc1.weight", layer.hidden(), d),
            reader.matrix(prefix + "ffn.gate.weight", layer.hidden(), d),
            reader.matrix(prefix + "ffn.fc2.weight", d, layer.hidden()),
            layer.activation());
    return new DecoderLayer(
        engine,
        mixer,
        feedForward,
        reader.vector(prefix + "retention_layer_norm.weight", d),
        reader.vector(prefix + "final_layer_norm.weight", d),
        config.normEps());
  }
}
