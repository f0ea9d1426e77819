package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.NormConfig;

/**
 * The config.json that describes a decoder in fla's format, where that can express it.
 *
 * @since 0.1
 */
public final class FlaConfig {
  private FlaConfig() {}

  /**
   * Returns the configuration.
   *
   * @throws IllegalArgumentException if the format cannot express the decoder, with the reason
   */
  public static ObjectNode json(DecoderConfig config, DType dtype) {
    requireExpressible(config);
    ObjectNode json = new ObjectMapper().createObjectNode();
    int d = config.modelWidth();
    LayerConfig first = config.layers().get(0);
    json.putArray("architectures").add("RetNetForCausalLM");
    json.put("model_type", "retnet");
    json.put("hidden_size", d);
    json.put("num_hidden_layers", config.layers().size());
    json.put("vocab_size", config.vocabulary());
    json.put("intermediate_size", first.hidden());
    json.put("hidden_act", "swish");
    json.put("norm_eps", config.normEps());
    json.put("tie_word_embeddings", config.tiedOutput());
    json.put("bos_token_id", 1);
    json.put("eos_token_id", 2);
    putType(json, dtype);
    retention(config).stream().findFirst().ifPresent(c -> putRetention(json, c, d));
    ArrayNode attn = attention(config, json);
    if (attn.isEmpty()) {
      json.putNull("attn");
    } else {
      json.set("attn", attn.size() == 1 ? attn.get(0) : attn);
    }
    return json;
  }

  /** Sets the type of the weights; newer libraries of the hub write dtype for torch_dtype. */
  public static void putType(ObjectNode json, DType dtype) {
    if (json.has("dtype")) {
      json.put("dtype", torchName(dtype));
    }
    if (json.has("torch_dtype") || !json.has("dtype")) {
      json.put("torch_dtype", torchName(dtype));
    }
  }

  private static String torchName(DType dtype) {
    return switch (dtype) {
      case F64 -> "float64";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> "float32";
    };
  }

  /** Returns a factor by which d gives {@code width} again, though readers cut off the fraction. */
  private static double expand(int width, int d) {
    double expand = (double) width / d;
    return (int) (d * expand) == width ? expand : Math.nextUp(expand);
  }

  private static void putRetention(ObjectNode json, RetentionConfig c, int d) {
    json.put("num_heads", c.heads());
    json.put("num_kv_heads", c.kvHeads());
    json.put("expand_k", expand(c.heads() * c.keyWidth(), d));
    json.put("expand_v", expand(c.heads() * c.valueWidth(), d));
    json.put("use_output_gate", c.gated());
    json.put("elementwise_affine", c.norm().weight() != HeadNorm.Weight.NONE);
    json.put("feature_map", c.featureMap() == Activation.RELU ? "relu" : null);
  }

  private static ArrayNode attention(DecoderConfig config, ObjectNode json) {
    Map<AttentionConfig, TreeSet<Integer>> layers = new LinkedHashMap<>();
    for (int i = 0; i < config.layers().size(); i++) {
      int index = i;
      AttentionConfig.matching(config.layers().get(i).mixer())
          .ifPresent(c -> layers.computeIfAbsent(c, key -> new TreeSet<>()).add(index));
    }
    ArrayNode attn = json.arrayNode();
    layers.forEach(
        (c, indices) -> {
          ObjectNode entry = attn.addObject();
          ArrayNode list = entry.putArray("layers");
          indices.forEach(list::add);
          entry.put("num_heads", c.heads());
          entry.put("num_kv_heads", c.kvHeads());
          entry.put("qkv_bias", c.bias());
          if (c.window() == AttentionConfig.UNBOUNDED) {
            entry.putNull("window_size");
          } else {
            entry.put("window_size", c.window());
          }
          entry.put("rope_theta", c.ropeBase());
        });
    return attn;
  }

  /** Refuses options of the block that fla's retention layer does not have. */
  private static void requireFlaBlock(RetentionConfig c) {
    require(c.biases().isEmpty(), "projections of retention without biases");
    require(!c.queryKeyNorm(), "retention without q/k norms");
    require(
        c.featureMap() != Activation.SILU && c.valueMap() == Activation.NONE,
        "feature maps of retention that are relu or none, and none of the values");
    require(c.gate() != Activation.SIGMOID, "a swish gate of retention, or none");
    require(
        c.norm().equals(HeadNorm.RMS) || c.norm().equals(HeadNorm.PLAIN_RMS),
        "an RMSNorm of each head whose weight, if any, the heads share");
  }

  /** Refuses what the format cannot express. */
  public static void requireExpressible(DecoderConfig config) {
    require(config.embeddingScale() == 1, "embeddings without a scale");
    require(!config.embeddingNorm(), "embeddings without a norm");
    List<LayerConfig> layers = config.layers();
    require(
        layers.stream()
            .allMatch(
                layer ->
                    layer.activation() == Activation.SILU
                        && layer.gated()
                        && !layer.feedForwardBias()),
        "SwiGLU layers without biases");
    require(
        layers.stream().allMatch(layer -> layer.norm().equals(NormConfig.RMS)),
        "RMSNorms before mixers and feed-forwards");
    require(
        layers.stream().mapToInt(LayerConfig::hidden).distinct().count() == 1,
        "feed-forwards of one width");
    List<RetentionConfig> retention = retention(config);
    require(retention.size() <= 1, "retention layers of one shape");
    for (RetentionConfig c : retention) {
      require(
          c.rotation().channels() == Rotation.ALL || !c.rotation().active(),
          "retention whose channels all rotate");
      require(
          c.rotation().equals(Rotation.FLA) && !c.scaleKeys() && !c.normaliseOutput(),
          "retention in fla's conventions (torchscale's pairs of rotation, scaled keys and"
              + " normalised outputs cannot be renamed into them)");
      require(c.decay().logDecay().equals(DecaySchedule.pow2(c.heads()).logDecay()), "pow2 decays");
      require(c.normEps() == config.normEps(), "one eps for all norms");
      requireFlaBlock(c);
    }
    for (LayerConfig layer : layers) {
      Optional<AttentionConfig> attention = AttentionConfig.matching(layer.mixer());
      require(
          attention.isPresent() || RetentionMixerConfig.matching(layer.mixer()).isPresent(),
          "mixers of retention and attention");
      require(
          attention.map(c -> c.heads() * c.headWidth() == config.modelWidth()).orElse(true),
          "attention heads that make up the model's width");
    }
  }

  /** Returns the shapes of retention that there are. */
  private static List<RetentionConfig> retention(DecoderConfig config) {
    return config.layers().stream()
        .flatMap(layer -> RetentionMixerConfig.matching(layer.mixer()).stream())
        .map(RetentionMixerConfig::block)
        .distinct()
        .toList();
  }

  private static void require(boolean condition, String expected) {
    if (!condition) {
      throw new IllegalArgumentException(
          "fla's format cannot express this decoder: expected " + expected);
    }
  }
}
