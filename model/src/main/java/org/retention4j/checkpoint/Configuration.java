package org.retention4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.internal.family.ConfigKeys;
import org.retention4j.checkpoint.internal.family.FlaConfig;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/**
 * A config.json in fla's format with all its keys, also those that nobody here knows.
 *
 * @since 0.1
 */
public final class Configuration {
  private final String where;
  private final ObjectNode json;
  private final LoadOptions options;
  private final DecoderConfig decoder;

  private Configuration(String where, JsonNode json, LoadOptions options) {
    ConfigKeys keys = new ConfigKeys(where, json);
    this.where = where;
    this.json = (ObjectNode) json;
    this.options = options;
    decoder = Checkpoint.config(keys, options);
    FlaConfig.requireExpressible(decoder);
  }

  /**
   * Reads a file.
   *
   * @throws CheckpointException if it is no configuration, or describes what is not built
   * @throws IllegalArgumentException if it is not of fla's format
   */
  public static Configuration read(Path file) {
    return read(file, LoadOptions.DEFAULT);
  }

  /**
   * Reads a file.
   *
   * @param options of which {@link LoadOptions#ignoreUnknown} is looked at
   * @throws CheckpointException if it is no configuration, or describes what is not built
   * @throws IllegalArgumentException if it is not of fla's format
   */
  public static Configuration read(Path file, LoadOptions options) {
    Args.present("a configuration's file", file);
    Args.present("options", options);
    return new Configuration(file.toString(), Json.configuration(file), options);
  }

  /** Returns the shape of the model. */
  public DecoderConfig decoder() {
    return decoder;
  }

  /** Returns the keys. */
  public JsonNode json() {
    return json.deepCopy();
  }

  /**
   * Returns the Transformer of equal size: attention in every layer, with heads of 128 where they
   * divide the width, and a feed-forward that is wider by what attention has fewer weights, rounded
   * down to a multiple of 64. All other keys stay.
   *
   * @throws IllegalArgumentException if no layer mixes by retention, or no such Transformer exists
   */
  public Configuration transformer() {
    LayerConfig layer =
        decoder.layers().stream()
            .filter(other -> RetentionMixerConfig.matching(other.mixer()).isPresent())
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "expected a retention layer to replace in " + where + ", got none"));
    int d = decoder.modelWidth();
    int retentionHeads = RetentionMixerConfig.matching(layer.mixer()).orElseThrow().block().heads();
    int heads = d % 128 == 0 ? d / 128 : retentionHeads;
    ObjectNode changed = json.deepCopy();
    changed.put("intermediate_size", ModelShapes.equalHidden(layer));
    ObjectNode attn = changed.putObject("attn");
    ArrayNode all = attn.putArray("layers");
    for (int i = 0; i < decoder.layers().size(); i++) {
      all.add(i);
    }
    attn.put("num_heads", heads);
    attn.put("num_kv_heads", heads);
    attn.put("qkv_bias", false);
    attn.putNull("window_size");
    attn.put("rope_theta", 10_000.0);
    return new Configuration(where, changed, options);
  }

  /** Returns the keys, with the type of the weights. */
  JsonNode json(DType dtype) {
    ObjectNode typed = json.deepCopy();
    FlaConfig.putType(typed, dtype);
    return typed;
  }
}
