package org.retention4j.text.internal.json;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.args.Shown;

/** The tokens of a tokenizer.json beside its model's: found in a text before all others. */
final class AddedTokens {
  /** The library's time grows with the square of their number. */
  private static final int MOST = 1 << 16;

  private static final String SPACES = "{\"type\":\"WhitespaceSplit\"}";

  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, Integer> special = new LinkedHashMap<>();

  private final List<JsonPart> all;

  /** Those that are looked for in normalized text, where the normalizer may leave nothing. */
  private final List<JsonPart> normalized = new ArrayList<>();

  private final List<JsonPart> stripping = new ArrayList<>();
  private boolean stripsBehind;

  /**
   * Checks the tokens.
   *
   * @throws IllegalArgumentException also if a token's number is not the one that the library,
   *     which goes by the order, would give it
   */
  AddedTokens(List<JsonPart> tokens, ModelPart model) {
    if (tokens.size() > MOST) {
      throw tokens.get(MOST).bad("at most " + MOST + " added tokens");
    }
    all = tokens;
    int largest = -1;
    for (JsonPart token : tokens) {
      String content = token.text("content");
      int id = token.integer("id", 0, ModelPart.MOST_ID);
      if (content.isEmpty()) {
        throw token.get("content").bad("at least one character");
      }
      if (ids.containsKey(content)) {
        throw token.get("content").bad("a token that was not added before");
      }
      Integer given = model.ids().get(content);
      int expected = given == null ? Math.max(model.size(), largest + 1) : given;
      if (id != expected) {
        throw token
            .get("id")
            .bad(
                expected
                    + ", the number of "
                    + Shown.name(content)
                    + " in the vocabulary or next,");
      }
      ids.put(content, id);
      largest = Math.max(largest, id);
      token.flag("single_word");
      stripsBehind |= token.flag("rstrip");
      if (token.flag("lstrip")) {
        stripping.add(token);
      }
      if (token.flag("normalized")) {
        normalized.add(token);
      }
      if (token.flag("special")) {
        special.put(content, id);
      }
      token.noOthers();
    }
  }

  /** Returns the numbers of all added tokens. */
  Map<String, Integer> ids() {
    return ids;
  }

  /** Returns the numbers of the special ones, in the order of the file. */
  Map<String, Integer> special() {
    return special;
  }

  /** Refuses a token that is longer than a text may be: the library normalizes it as one. */
  void requireShort(int longestText) {
    for (JsonPart token : all) {
      if (token.text("content").length() > longestText) {
        throw token.bad("a content of at most " + longestText + " characters");
      }
    }
  }

  /**
   * Refuses a token of which the normalizer leaves nothing, which the library finds everywhere, and
   * a token of nothing but spaces that takes the spaces before it where another takes those behind.
   *
   * @param normalizer a checked one, or null
   */
  void requireText(TokenizersLibrary library, JsonNode normalizer) {
    boolean normalizes = normalizer != null && !normalizer.isNull();
    if (normalizes && !normalized.isEmpty()) {
      try (Probe probe = new Probe(library, normalizer, "null")) {
        for (JsonPart token : normalized) {
          if (probe.leavesNothing(token.text("content"))) {
            throw token.get("content").bad("a token of which the normalizer leaves something");
          }
        }
      }
    }
    if (stripsBehind && !stripping.isEmpty()) {
      try (Probe plain = new Probe(library, null, SPACES);
          Probe normal = new Probe(library, normalizer, SPACES)) {
        for (JsonPart token : stripping) {
          Probe probe = token.flag("normalized") ? normal : plain;
          if (probe.leavesNothing(token.text("content"))) {
            throw token.bad("lstrip and rstrip only at tokens with other characters than spaces");
          }
        }
      }
    }
  }

  /** The library itself, with a model that knows one word, which is any text. */
  private static final class Probe implements AutoCloseable {
    private final TokenizersLibrary library;
    private final long handle;

    Probe(TokenizersLibrary library, JsonNode normalizer, String preTokenizer) {
      this.library = library;
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      json.put("version", "1.0").set("normalizer", normalizer);
      json.putRawValue("pre_tokenizer", new RawValue(preTokenizer));
      json.putObject("model")
          .put("type", "WordLevel")
          .put("unk_token", "any")
          .putObject("vocab")
          .put("any", 0);
      handle = library.createTokenizerFromString(json.toString());
    }

    /** Returns whether normalizing and splitting leave nothing of a text. */
    boolean leavesNothing(String text) {
      long encoding = library.encode(handle, text, false);
      try {
        return library.getTokenIds(encoding).length == 0;
      } finally {
        library.deleteEncoding(encoding);
      }
    }

    @Override
    public void close() {
      library.deleteTokenizer(handle);
    }
  }
}
