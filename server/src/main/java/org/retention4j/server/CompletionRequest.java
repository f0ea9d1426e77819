package org.retention4j.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.StopStrings;

/**
 * What a completion is asked for.
 *
 * @param prompt its tokens
 * @param options of the first choice; the seed of each next one is one more
 * @param n choices
 * @param alternatives likeliest tokens beside each chosen one; −1 for no log-probabilities
 * @param stream whether pieces are sent as they come
 * @param usage whether a stream tells at its end how many tokens there were
 */
record CompletionRequest(
    int[] prompt,
    GenerationOptions options,
    int n,
    int alternatives,
    boolean stream,
    boolean usage) {
  private static final int MOST_ALTERNATIVES = 20;
  private static final int MOST_STOPS = 16;
  private static final int DEFAULT_TOKENS = 16;
  private static final double MOST_TEMPERATURE = 100;

  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "prompt",
          "max_tokens",
          "temperature",
          "top_p",
          "top_k",
          "repetition_penalty",
          "n",
          "stream",
          "stream_options",
          "logprobs",
          "stop",
          "seed",
          "ignore_eos",
          "user",
          "best_of",
          "echo",
          "suffix",
          "logit_bias",
          "frequency_penalty",
          "presence_penalty");

  /** Values that change nothing of fields that are not supported. */
  private static final Map<String, String> NEUTRAL =
      Map.of(
          "echo", "false",
          "suffix", "\"\"",
          "logit_bias", "{}",
          "frequency_penalty", "0",
          "presence_penalty", "0");

  /**
   * Reads one from a body; in a session the prompt may be missing.
   *
   * @param choices the most that there may be
   */
  static CompletionRequest of(
      ObjectNode body, ServedModel served, ServerLimits limits, int choices, long position) {
    Fields fields = new Fields(body);
    fields.requireKnown(KNOWN);
    fields.requireNeutral(NEUTRAL);
    requireModel(fields, served);
    fields.text("user");
    int n = fields.integer("n", 1, 1, choices);
    fields.integer("best_of", n, n, n);
    Set<Integer> ends = fields.flag("ignore_eos") ? Set.of() : served.endTokens();
    List<String> stops = fields.texts("stop", MOST_STOPS);
    try {
      StopStrings.specialTokens(stops, served.tokenizer());
    } catch (IllegalArgumentException e) {
      throw HttpFailure.field("stop", e.getMessage());
    }
    int most = fields.integer("max_tokens", DEFAULT_TOKENS, 0, limits.maxTokens());
    boolean stream = fields.flag("stream");
    Fields streamOptions = fields.object("stream_options");
    streamOptions.requireKnown(Set.of("include_usage"));
    return new CompletionRequest(
        prompt(fields, served, limits, position),
        new GenerationOptions(most, sampling(fields), ends, stops),
        n,
        fields.integer("logprobs", -1, 0, MOST_ALTERNATIVES),
        stream,
        streamOptions.flag("include_usage"));
  }

  private static SamplingOptions sampling(Fields fields) {
    long seed = fields.wholeNumber("seed").orElseGet(() -> ThreadLocalRandom.current().nextLong());
    return new SamplingOptions(
        fields.number("temperature", 1, 0, false, MOST_TEMPERATURE),
        fields.integer("top_k", 0, 0, Integer.MAX_VALUE),
        fields.number("top_p", 1, 0, true, 1),
        fields.number("repetition_penalty", 1, 0, true, MOST_TEMPERATURE),
        seed);
  }

  static void requireModel(Fields fields, ServedModel served) {
    String model = fields.text("model").orElse(served.name());
    if (!model.equals(served.name())) {
      throw new HttpFailure(
          HttpFailure.NOT_FOUND,
          "model_not_found",
          "expected the model " + served.name() + ", got " + model);
    }
  }

  /** Returns the tokens of a prompt; none where there is none and the session has seen some. */
  static int[] prompt(Fields fields, ServedModel served, ServerLimits limits, long position) {
    JsonNode value = fields.get("prompt");
    if (value == null && position == 0) {
      throw HttpFailure.field("prompt", "expected a prompt, got none");
    }
    if (value == null) {
      return new int[0];
    }
    int vocabulary = served.model().config().vocabulary();
    int[] tokens = tokens(value, fields, served, vocabulary, position);
    if (tokens.length == 0 && position == 0 && served.beginToken().isPresent()) {
      tokens = new int[] {served.beginToken().getAsInt()};
    }
    if (tokens.length == 0 && position == 0) {
      throw HttpFailure.field("prompt", "expected a prompt of at least 1 token, got none");
    }
    if (tokens.length > limits.promptTokens()) {
      throw HttpFailure.field(
          "prompt",
          "expected a prompt of at most "
              + limits.promptTokens()
              + " tokens, got "
              + tokens.length);
    }
    return tokens;
  }

  private static int[] tokens(
      JsonNode value, Fields fields, ServedModel served, int vocabulary, long position) {
    if (!value.isTextual()) {
      return fields
          .tokens("prompt", vocabulary)
          .orElseThrow(
              () ->
                  HttpFailure.field(
                      "prompt",
                      "expected prompt to be a text or a list of tokens, got "
                          + Json.shown(value)));
    }
    String text = value.textValue();
    int longest = served.tokenizer().longestText();
    if (text.length() > longest) {
      throw HttpFailure.field(
          "prompt", "expected a text of at most " + longest + " characters, got " + text.length());
    }
    try {
      return position > 0 ? served.tokenizer().encodeMore(text) : served.tokenizer().encode(text);
    } catch (IllegalArgumentException e) {
      throw HttpFailure.field("prompt", e.getMessage());
    }
  }
}
