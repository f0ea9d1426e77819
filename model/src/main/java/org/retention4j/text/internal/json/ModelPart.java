package org.retention4j.text.internal.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.retention4j.args.Shown;

/** The model of a tokenizer.json: its vocabulary, and what makes tokens of a word. */
final class ModelPart {
  /** More than any vocabulary has. */
  static final int MOST_ID = (1 << 24) - 1;

  /** The time of a word grows with the cube of its length. */
  private static final int LONGEST_WORD = 1000;

  private final JsonPart part;
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet known = new BitSet();

  /** The library's count of tokens, which in a list may stand twice. */
  private int size;

  /**
   * Checks a model.
   *
   * @throws IllegalArgumentException if the library could not read it, or only by aborting
   */
  ModelPart(JsonPart part) {
    this.part = part;
    String type = type();
    switch (type) {
      case "BPE" -> bytePairs();
      case "WordPiece" -> {
        unknown();
        part.get("continuing_subword_prefix").text();
        part.affix("continuing_subword_prefix");
        part.integer("max_input_chars_per_word", 0, LONGEST_WORD);
        vocabulary();
      }
      case "WordLevel" -> {
        unknown();
        vocabulary();
      }
      case "Unigram" -> unigram();
      default -> throw part.get("type").bad("BPE, WordPiece, WordLevel or Unigram");
    }
    part.noOthers();
  }

  /** Checks the token that may stand for each character of a text, whose text is held as often. */
  private void unknown() {
    part.text("unk_token");
    part.affix("unk_token");
  }

  /** Older files leave the type out; it is told by the other keys, and written down. */
  private String type() {
    if (part.has("type")) {
      return part.text("type");
    }
    String type = "WordLevel";
    if (part.node().has("merges")) {
      type = "BPE";
    } else if (part.node().has("continuing_subword_prefix")) {
      type = "WordPiece";
    } else if (part.node().path("vocab").isArray()) {
      type = "Unigram";
    }
    ((ObjectNode) part.node()).put("type", type);
    return type;
  }

  /** Returns the number of each token. */
  Map<String, Integer> ids() {
    return ids;
  }

  /** Returns all numbers of tokens. */
  BitSet known() {
    return known;
  }

  /** Returns how many tokens the library counts. */
  int size() {
    return size;
  }

  private void bytePairs() {
    if (part.has("dropout")) {
      JsonPart dropout = part.get("dropout");
      if (!dropout.node().isNumber() || dropout.node().doubleValue() != 0) {
        throw dropout.bad("null or 0, the same tokens for the same text,");
      }
    }
    part.affix("unk_token");
    part.affix("end_of_word_suffix");
    part.nullableFlags("fuse_unk", "byte_fallback", "ignore_merges");
    String prefix = part.affix("continuing_subword_prefix");
    vocabulary();
    merges(prefix);
  }

  /** Both parts of a merge, and what they make, are tokens; the second has the prefix it loses. */
  private void merges(String prefix) {
    JsonPart merges = part.get("merges");
    if (!merges.node().isArray()) {
      throw merges.bad("a list");
    }
    boolean texts = merges.node().path(0).isTextual();
    int index = 0;
    for (JsonNode merge : merges.node()) {
      String[] pair = texts ? pair(merge) : pairOfList(merge);
      if (pair == null) {
        throw merges.element(index, merge).bad(texts ? "two tokens and a space" : "two tokens");
      }
      if (pair.length > 0) {
        requireMerge(merges, index, pair, prefix);
      }
      index++;
    }
  }

  private void requireMerge(JsonPart merges, int index, String[] pair, String prefix) {
    if (!pair[1].startsWith(prefix)) {
      throw merges
          .element(index, merges.node().get(index))
          .bad("a second token that begins with the prefix " + Shown.name(prefix));
    }
    for (String token :
        new String[] {pair[0], pair[1], pair[0] + pair[1].substring(prefix.length())}) {
      if (!ids.containsKey(token)) {
        throw merges
            .element(index, merges.node().get(index))
            .bad("tokens of the vocabulary, which has no " + Shown.name(token) + ",");
      }
    }
  }

  /** Returns two tokens, none for a line that tells the version, null for anything else. */
  private static String[] pair(JsonNode merge) {
    if (!merge.isTextual()) {
      return null;
    }
    if (merge.textValue().startsWith("#version")) {
      return new String[0];
    }
    String[] pair = merge.textValue().split(" ", -1);
    return pair.length == 2 ? pair : null;
  }

  private static String[] pairOfList(JsonNode merge) {
    boolean pair =
        merge.isArray()
            && merge.size() == 2
            && merge.get(0).isTextual()
            && merge.get(1).isTextual();
    return pair ? new String[] {merge.get(0).textValue(), merge.get(1).textValue()} : null;
  }

  private void vocabulary() {
    JsonPart vocabulary = part.get("vocab");
    for (Map.Entry<String, JsonNode> member : vocabulary.members()) {
      JsonPart value = vocabulary.child(member.getKey(), member.getValue());
      int id = value.integer(0, MOST_ID);
      if (known.get(id)) {
        throw value.bad("a number that no other token has");
      }
      known.set(id);
      ids.put(member.getKey(), id);
    }
    size = ids.size();
  }

  private void unigram() {
    part.optionalFlag("byte_fallback", false);
    JsonPart vocabulary = part.get("vocab");
    for (JsonPart entry : vocabulary.list()) {
      JsonNode pair = entry.node();
      boolean scored =
          pair.isArray()
              && pair.size() == 2
              && pair.get(0).isTextual()
              && pair.get(1).isNumber()
              && Double.isFinite(pair.get(1).doubleValue());
      if (!scored) {
        throw entry.bad("a token and its score");
      }
      ids.put(pair.get(0).textValue(), size);
      size++;
    }
    known.set(0, size);
    if (size == 0) {
      throw vocabulary.bad("at least one token");
    }
    if (part.has("unk_id")) {
      part.integer("unk_id", 0, size - 1);
    }
  }
}
