package org.retention4j.text.internal.json;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;

/**
 * A tokenizer.json that was checked.
 *
 * <p>The library behind it aborts the virtual machine at much that it does not expect. So nothing
 * reaches it but what was read here: all of the file's grammar, every number in its range, every
 * name that refers to something. What is not known here is refused, not passed on.
 *
 * @since 0.1
 */
public final class TokenizerJson {
  private static final int DEEPEST_JSON = 64;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST_JSON).build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          // The scores of tokens are handed on digit by digit.
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  /** How Jackson says that a key stands twice in an object. */
  private static final Pattern TWICE = Pattern.compile("^Duplicate field '([^']*)'");

  private final ObjectNode json;
  private final AddedTokens added;
  private final TextLimit limit = new TextLimit();
  private final ByteRuns byteRuns;

  /**
   * Reads a file's text.
   *
   * @param file its name in messages
   * @throws IllegalArgumentException naming the file and the key that is wrong
   */
  public TokenizerJson(String file, String text) {
    JsonPart root = JsonPart.root(file, parse(file, text));
    if (root.hasOrNull("version")) {
      root.choice("version", "1.0");
    }
    ModelPart model = new ModelPart(root.get("model"));
    added =
        new AddedTokens(
            root.hasOrNull("added_tokens") ? root.list("added_tokens") : List.of(), model);
    PipelineParts parts = new PipelineParts(limit);
    if (root.has("normalizer")) {
      parts.normalizer(root.get("normalizer"));
    }
    if (root.has("pre_tokenizer")) {
      parts.preTokenizer(root.get("pre_tokenizer"));
    }
    if (root.has("post_processor")) {
      parts.postProcessor(root.get("post_processor"));
    }
    added.requireShort(limit.longest());
    Map<String, Integer> tokens = new HashMap<>(model.ids());
    tokens.putAll(added.ids());
    DecoderParts decoder = new DecoderParts(tokens.keySet());
    if (root.has("decoder")) {
      decoder.check(root.get("decoder"));
    }
    if (root.has("truncation")) {
      PipelineParts.truncation(root.get("truncation"));
    }
    if (root.has("padding")) {
      PipelineParts.padding(root.get("padding"));
    }
    root.noOthers();
    json = (ObjectNode) root.node();
    json.putNull("truncation");
    json.putNull("padding");
    byteRuns = decoder.joinsBytes() ? runs(tokens, model) : null;
  }

  private static JsonNode parse(String file, String text) {
    // A byte order mark is none of the JSON.
    String json = text.startsWith("\uFEFF") ? text.substring(1) : text;
    try {
      return MAPPER.readTree(json);
    } catch (StreamConstraintsException e) {
      throw new IllegalArgumentException(
          "expected JSON at most " + DEEPEST_JSON + " deep, of usual values, in " + file, e);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("expected JSON in " + file + ", got " + reason(e), e);
    }
  }

  private static String reason(JsonProcessingException e) {
    Matcher twice = TWICE.matcher(e.getOriginalMessage());
    if (twice.find()) {
      return "the key " + Shown.name(twice.group(1)) + " twice";
    }
    if (e instanceof MismatchedInputException || e.getLocation() == null) {
      return "something behind the end of the JSON";
    }
    String what = e instanceof JsonEOFException ? "its end" : "something else";
    JsonLocation at = e.getLocation();
    return what + " in line " + at.getLineNr() + ", column " + at.getColumnNr();
  }

  private ByteRuns runs(Map<String, Integer> tokens, ModelPart model) {
    BitSet known = (BitSet) model.known().clone();
    added.ids().values().forEach(known::set);
    return ByteRuns.of(tokens, known, added.special());
  }

  /**
   * Returns what the library may read.
   *
   * @throws IllegalArgumentException if a text is none that UTF-8 can express, or an added token
   *     vanishes in the normalizer
   */
  public String checked(String file, TokenizersLibrary library) {
    String text = json.toString();
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new IllegalArgumentException(
          "expected paired surrogates in the texts of " + file + ", got one alone");
    }
    added.requireText(library, json.get("normalizer"));
    return text;
  }

  /** Returns the tokens without text by what stands for them in the file. */
  public Map<String, Integer> special() {
    return added.special();
  }

  /** Returns the most characters that may be tokenized at once. */
  public int longestText() {
    return limit.longest();
  }

  /** Returns the tokens that are put around a text. */
  public Surroundings surroundings() {
    return Surroundings.of(json.path("post_processor"));
  }

  /** Returns the tokens that stand for bytes, null if there are none. */
  public ByteRuns byteRuns() {
    return byteRuns;
  }
}
