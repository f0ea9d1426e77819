package org.retention4j.checkpoint.internal.family;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;

/**
 * What a folder says of texts: the tokens that begin and end them, and how Hugging Face would
 * choose those between. What stands in generation_config.json takes the place of config.json's.
 *
 * @since 0.1
 */
public final class TextKeys {
  private static final String FILE = "generation_config.json";

  /** Keys that choose no token, or that are read here. */
  private static final Set<String> HARMLESS =
      Set.of(
          "_from_model_config",
          "transformers_version",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id",
          "decoder_start_token_id",
          "use_cache",
          "cache_implementation",
          "cache_config",
          "return_dict_in_generate",
          "output_attentions",
          "output_hidden_states",
          "output_logits",
          "output_scores");

  /** Keys that count only where tokens are drawn. */
  private static final Set<String> OF_DRAWS =
      Set.of("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff");

  /** Keys that choose tokens, each with the value at which it changes nothing. */
  private static final Map<String, Double> NEUTRAL =
      Map.ofEntries(
          Map.entry("do_sample", 0.0),
          Map.entry("temperature", 1.0),
          Map.entry("top_k", 0.0),
          Map.entry("top_p", 1.0),
          Map.entry("min_p", 0.0),
          Map.entry("typical_p", 1.0),
          Map.entry("epsilon_cutoff", 0.0),
          Map.entry("eta_cutoff", 0.0),
          Map.entry("repetition_penalty", 1.0),
          Map.entry("encoder_repetition_penalty", 1.0),
          Map.entry("no_repeat_ngram_size", 0.0),
          Map.entry("encoder_no_repeat_ngram_size", 0.0),
          Map.entry("num_beams", 1.0),
          Map.entry("num_beam_groups", 1.0),
          Map.entry("num_return_sequences", 1.0),
          Map.entry("length_penalty", 1.0),
          Map.entry("diversity_penalty", 0.0),
          Map.entry("guidance_scale", 1.0),
          Map.entry("min_length", 0.0),
          Map.entry("min_new_tokens", 0.0),
          Map.entry("early_stopping", 0.0),
          Map.entry("renormalize_logits", 0.0),
          Map.entry("remove_invalid_values", 0.0));

  private final ConfigKeys config;
  private final JsonNode json;
  private final boolean namesByDefault;
  private final int vocabulary;

  /** Null where there is no such file. */
  private final ConfigKeys generation;

  private final JsonNode generationJson;

  /**
   * Reads a folder's generation_config.json, if it has one.
   *
   * @param namesByDefault whether the family has tokens where the keys are absent
   * @throws CheckpointException if it is no JSON object
   */
  public TextKeys(
      Path folder, ConfigKeys config, JsonNode json, boolean namesByDefault, int vocabulary) {
    this.config = config;
    this.json = json;
    this.namesByDefault = namesByDefault;
    this.vocabulary = vocabulary;
    Path file = folder.resolve(FILE);
    generationJson = read(file);
    generation = generationJson == null ? null : new ConfigKeys(file.toString(), generationJson);
  }

  private static JsonNode read(Path file) {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return null;
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new CheckpointException(
          "expected a file, got a folder, a pipe or a device, at " + file);
    }
    return Json.configuration(file);
  }

  /**
   * Returns one token or a list, those of the vocabulary, in order.
   *
   * @param otherwise the family's token where the key is absent
   * @throws CheckpointException if it is something else
   */
  public Set<Integer> tokens(String key, int otherwise) {
    Set<Integer> tokens = new LinkedHashSet<>();
    for (double token : named(key, otherwise)) {
      if (isToken(token)) {
        tokens.add((int) token);
      }
    }
    return tokens;
  }

  private boolean isToken(double token) {
    return token >= 0 && token < vocabulary;
  }

  private List<Double> named(String key, int otherwise) {
    boolean replaced = generation != null && generation.has(key);
    ConfigKeys keys = replaced ? generation : config;
    JsonNode node = (replaced ? generationJson : json).get(key);
    if (node == null) {
      node = namesByDefault ? IntNode.valueOf(otherwise) : null;
    }
    List<Double> named = new ArrayList<>();
    if (node == null || node.isNull()) {
      return named;
    }
    for (JsonNode token : node.isArray() ? node : List.of(node)) {
      double number = token.isNumber() ? token.doubleValue() : Double.NaN;
      if (number != Math.rint(number) || Double.isInfinite(number)) {
        throw keys.bad(key, "a token, a list of tokens or null");
      }
      named.add(number);
    }
    return named;
  }

  /** Returns what is asked for and not done, in words. */
  public List<String> remarks() {
    List<String> remarks = new ArrayList<>();
    for (double end : named("eos_token_id", 0)) {
      if (!isToken(end)) {
        remarks.add(
            String.format(Locale.ROOT, "eos_token_id %.0f, no token of the vocabulary", end));
      }
    }
    JsonNode asked = generation == null ? json : generationJson;
    boolean draws = asked.path("do_sample").asBoolean();
    asked
        .properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              boolean known = generation != null || NEUTRAL.containsKey(key);
              boolean counts = draws || !OF_DRAWS.contains(key);
              if (known && counts && !changesNothing(key, entry.getValue())) {
                remarks.add(key + " " + Shown.name(entry.getValue()));
              }
            });
    return remarks;
  }

  private static boolean changesNothing(String key, JsonNode value) {
    Double neutral = NEUTRAL.get(key);
    boolean isNeutral =
        neutral != null
            && ((value.isNumber() && value.doubleValue() == neutral)
                || (value.isBoolean() && value.booleanValue() == (neutral != 0)));
    return HARMLESS.contains(key)
        || value.isNull()
        || (value.isContainerNode() && value.isEmpty())
        || isNeutral;
  }
}
