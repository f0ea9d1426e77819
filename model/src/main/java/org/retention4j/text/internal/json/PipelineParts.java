package org.retention4j.text.internal.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * Checks what stands before and behind the model of a tokenizer.json: all types and keys that the
 * library reads, and no others, with values at which it neither fails nor aborts.
 */
final class PipelineParts {
  /** More than any file nests or lists. */
  private static final int DEEPEST = 8;

  private static final int LONGEST_SEQUENCE = 64;

  private static final int MOST_NUMBER = Integer.MAX_VALUE;
  private static final String[] BEHAVIORS = {
    "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"
  };

  /** What GPT-2's byte level splits at, where it is asked to. */
  private static final String BYTE_LEVEL_PATTERN =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private final TextLimit limit;

  /** Whether pieces may have been split off that no character was left out between. */
  private boolean splitsWithinWords;

  PipelineParts(TextLimit limit) {
    this.limit = limit;
  }

  void normalizer(JsonPart part) {
    normalizer(part, 0);
  }

  private void normalizer(JsonPart part, int depth) {
    switch (part.text("type")) {
      case "BertNormalizer" -> bertNormalizer(part);
      case "Strip" -> part.flags("strip_left", "strip_right");
      case "StripAccents", "Nmt" -> {}
      case "NFC", "NFD" -> limit.decompose(part, TextLimit.Form.CANONICAL);
      case "NFKC", "NFKD" -> limit.decompose(part, TextLimit.Form.COMPATIBILITY);
      case "Lowercase" -> limit.lowercase(part, true);
      case "ByteLevel" -> limit.spellBytes(part);
      case "Sequence" -> sequence(part, "normalizers", depth, this::normalizer);
      case "Precompiled" -> {
        CharsMap map = CharsMap.of(part.get("precompiled_charsmap"));
        limit.grow(part, map.mostChars(), map.mostBytes(), map.mostBytes());
      }
      case "Prepend" -> {
        String prepended = part.text("prepend");
        if (prepended.isEmpty()) {
          throw part.get("prepend").bad("at least one character");
        }
        limit.prepend(part, prepended);
      }
      case "Replace" -> replace(part);
      default -> throw part.get("type").bad("a normalizer that is known");
    }
    part.noOthers();
  }

  private void bertNormalizer(JsonPart part) {
    part.flags("clean_text", "handle_chinese_chars", "lowercase");
    part.nullableFlags("strip_accents");
    boolean lowercase = part.flag("lowercase");
    boolean strips = part.has("strip_accents") ? part.flag("strip_accents") : lowercase;
    if (strips) {
      // Taken apart first. What is surrounded or made small then does not become more than that.
      limit.decompose(part, TextLimit.Form.CANONICAL);
    } else {
      limit.surround(part, part.flag("handle_chinese_chars"));
      limit.lowercase(part, lowercase);
    }
  }

  private void replace(JsonPart part) {
    requirePattern(part, limit);
    limit.replace(part, part.text("content"));
  }

  /** A pattern that matches nothing puts its content between characters, where alignment ends. */
  static void requirePattern(JsonPart part, TextLimit limit) {
    if (limit.pattern(part.get("pattern"))) {
      throw part.bad("a pattern that matches at least one character");
    }
  }

  void preTokenizer(JsonPart part) {
    preTokenizer(part, 0);
  }

  private void preTokenizer(JsonPart part, int depth) {
    switch (part.text("type")) {
      case "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts" -> {}
      case "ByteLevel" -> spellBytes(part);
      case "CharDelimiterSplit" -> part.character("delimiter");
      case "Metaspace" -> begin(part, metaspace(part), part.text("replacement"));
      case "Split" -> {
        limit.pattern(part.get("pattern"));
        part.choice("behavior", BEHAVIORS);
        part.flag("invert");
      }
      case "Punctuation" -> {
        if (part.hasOrNull("behavior")) {
          part.choice("behavior", BEHAVIORS);
        }
      }
      case "Digits" -> part.flag("individual_digits");
      case "FixedLength" -> {
        if (part.hasOrNull("length")) {
          part.integer("length", 1, MOST_NUMBER);
        }
      }
      case "Sequence" -> sequence(part, "pretokenizers", depth, this::preTokenizer);
      default -> throw part.get("type").bad("a pre-tokenizer that is known");
    }
    part.noOthers();
    splitsWithinWords |= !part.text("type").equals("WhitespaceSplit");
  }

  private void spellBytes(JsonPart part) {
    if (byteLevel(part)) {
      limit.expression(BYTE_LEVEL_PATTERN);
    }
    begin(part, part.flag("add_prefix_space"), " ");
    limit.spellBytes(part);
  }

  /** Returns whether it splits by its own pattern. */
  static boolean byteLevel(JsonPart part) {
    part.flags("add_prefix_space", "trim_offsets");
    return part.optionalFlag("use_regex", true);
  }

  /** Counts what replaces a space, and, if so, begins each piece, for which a space went before. */
  private void begin(JsonPart part, boolean eachPiece, String text) {
    if (eachPiece && splitsWithinWords) {
      limit.prepend(part, text);
    } else {
      limit.replace(part, text);
    }
  }

  /**
   * Returns whether the replacement begins each piece. Older files say add_prefix_space for the
   * scheme and keep a copy of the replacement.
   */
  static boolean metaspace(JsonPart part) {
    part.character("replacement");
    part.optionalText("str_rep");
    part.optionalFlag("split", true);
    boolean prefix = part.optionalFlag("add_prefix_space", true);
    if (part.hasOrNull("prepend_scheme")) {
      String scheme = part.choice("prepend_scheme", "always", "never", "first");
      if (!prefix && !scheme.equals("never")) {
        throw part.get("add_prefix_space").bad("true with prepend_scheme " + scheme);
      }
      return scheme.equals("always");
    }
    return prefix;
  }

  /** Checks what adds tokens to a text; of several the library knows only the first. */
  void postProcessor(JsonPart part) {
    postProcessor(part, 0);
  }

  private void postProcessor(JsonPart part, int depth) {
    switch (part.text("type")) {
      case "ByteLevel" -> byteLevel(part);
      case "BertProcessing" -> {
        token(part.get("sep"));
        token(part.get("cls"));
      }
      case "RobertaProcessing" -> {
        token(part.get("sep"));
        token(part.get("cls"));
        part.flags("trim_offsets", "add_prefix_space");
      }
      case "TemplateProcessing" -> limit.repeat(part, template(part));
      case "Sequence" -> {
        sequence(part, "processors", depth, this::postProcessor);
        if (adding(part) > 1) {
          throw part.bad("at most one processor that adds tokens");
        }
      }
      default -> throw part.get("type").bad("a post-processor that is known");
    }
    part.noOthers();
  }

  private static int adding(JsonPart part) {
    return switch (part.text("type")) {
      case "ByteLevel" -> 0;
      case "Sequence" -> part.list("processors").stream().mapToInt(PipelineParts::adding).sum();
      default -> 1;
    };
  }

  private static void token(JsonPart part) {
    List<JsonPart> pair = part.list();
    if (pair.size() != 2) {
      throw part.bad("a token and its number");
    }
    pair.get(0).text();
    pair.get(1).integer(0, ModelPart.MOST_ID);
  }

  /** Returns how often a text stands in what becomes of it. */
  private static int template(JsonPart part) {
    Set<String> special = new TreeSet<>();
    JsonPart all = part.get("special_tokens");
    for (Map.Entry<String, JsonNode> member : all.members()) {
      JsonPart token = all.child(member.getKey(), member.getValue());
      token.text("id");
      List<JsonPart> ids = token.list("ids");
      ids.forEach(id -> id.integer(0, ModelPart.MOST_ID));
      List<JsonPart> texts = token.list("tokens");
      texts.forEach(JsonPart::text);
      if (ids.isEmpty() || ids.size() != texts.size() || ids.size() > LONGEST_SEQUENCE) {
        throw token.bad("as many ids as tokens, 1 to " + LONGEST_SEQUENCE + ",");
      }
      token.noOthers();
      special.add(member.getKey());
    }
    int times = pieces(part.get("single"), special, "A");
    pieces(part.get("pair"), special, "A", "B");
    return times;
  }

  /**
   * Checks that every special token is one that is described, and that every sequence stands in the
   * template; returns how many sequences do.
   */
  private static int pieces(JsonPart template, Set<String> special, String... sequences) {
    Set<String> used = new TreeSet<>();
    int count = 0;
    if (template.list().size() > LONGEST_SEQUENCE) {
      throw template.bad("at most " + LONGEST_SEQUENCE + " pieces");
    }
    for (JsonPart piece : template.list()) {
      boolean sequence = piece.has("Sequence");
      JsonPart inner = piece.get(sequence ? "Sequence" : "SpecialToken");
      if (sequence) {
        used.add(inner.choice("id", sequences));
        count++;
      } else if (!special.contains(inner.text("id"))) {
        throw inner.get("id").bad("one of special_tokens, which are " + special + ",");
      }
      inner.integer("type_id", 0, MOST_NUMBER);
      inner.noOthers();
      piece.noOthers();
    }
    if (used.size() != sequences.length) {
      throw template.bad("a template with the sequence " + String.join(" and ", sequences));
    }
    return count;
  }

  static void sequence(JsonPart part, String key, int depth, BiConsumer<JsonPart, Integer> each) {
    List<JsonPart> parts = part.list(key);
    if (depth == DEEPEST || parts.size() > LONGEST_SEQUENCE) {
      throw part.bad(
          String.format(
              Locale.ROOT,
              "at most %d parts in a sequence and %d sequences in each other",
              LONGEST_SEQUENCE,
              DEEPEST));
    }
    parts.forEach(inner -> each.accept(inner, depth + 1));
  }

  /** Checks the blocks that are left out: what they say has no effect, but must be what it is. */
  static void truncation(JsonPart part) {
    if (part.hasOrNull("direction")) {
      part.choice("direction", "Left", "Right");
    }
    part.integer("max_length", 0, MOST_NUMBER);
    part.integer("stride", 0, MOST_NUMBER);
    part.choice("strategy", "LongestFirst", "OnlyFirst", "OnlySecond");
    part.noOthers();
  }

  static void padding(JsonPart part) {
    JsonPart strategy = part.get("strategy");
    if (strategy.node().isObject()) {
      strategy.integer("Fixed", 0, MOST_NUMBER);
      strategy.noOthers();
    } else {
      part.choice("strategy", "BatchLongest");
    }
    part.choice("direction", "Left", "Right");
    if (part.has("pad_to_multiple_of")) {
      part.integer("pad_to_multiple_of", 0, MOST_NUMBER);
    }
    part.integer("pad_id", 0, MOST_NUMBER);
    part.integer("pad_type_id", 0, MOST_NUMBER);
    part.text("pad_token");
    part.noOthers();
  }
}
