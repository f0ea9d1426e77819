package org.retention4j.text.internal.json;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;
import org.retention4j.args.Shown;

/**
 * Checks the decoder of a tokenizer.json. Beside what the library aborts at, it refuses what makes
 * another text of tokens that come one by one than of all at once: what was shown could not stay.
 *
 * <p>Each part works on the texts of tokens, one by one, until a part joins them.
 */
final class DecoderParts {
  private static final int REPLACEMENT = 0xFFFD;

  /** The bytes of U+FFFD: with them a byte that is no text can be told. */
  private static final int[] REPLACEMENT_BYTES = {0xEF, 0xBF, 0xBD};

  /** What makes a sign of the texts of several tokens. */
  private static final String JOINS = "ByteLevel, ByteFallback and Fuse";

  private final Collection<String> tokens;
  private final TextLimit limit = new TextLimit();

  /** What the parts before make of a token's text, which may depend on where it stands. */
  private final List<Function<String, Stream<String>>> renaming = new ArrayList<>();

  /** The types of the parts before. */
  private final List<String> before = new ArrayList<>();

  private boolean joined;
  private boolean joinsBytes;

  /**
   * Begins.
   *
   * @param tokens the texts of all tokens as the file has them
   */
  DecoderParts(Collection<String> tokens) {
    this.tokens = tokens;
  }

  /** Returns whether tokens that stand for bytes are joined to characters. */
  boolean joinsBytes() {
    return joinsBytes;
  }

  void check(JsonPart part) {
    check(part, 0);
  }

  private void check(JsonPart part, int depth) {
    String type = part.text("type");
    if (type.equals("Sequence")) {
      PipelineParts.sequence(part, "decoders", depth, this::check);
      part.noOthers();
      return;
    }
    if (before.contains("BPEDecoder") && !type.equals("Fuse")) {
      throw part.bad("nothing but Fuse behind BPEDecoder, which does not take all tokens alike,");
    }
    switch (type) {
      case "ByteLevel" -> {
        PipelineParts.byteLevel(part);
        requireApart(part);
        joined = true;
      }
      case "ByteFallback" -> joinBytes(part);
      case "Fuse" -> joined = true;
      case "BPEDecoder" -> suffix(part);
      case "WordPiece" -> {
        part.text("prefix");
        part.flag("cleanup");
        requireApart(part);
      }
      case "Metaspace" -> {
        PipelineParts.metaspace(part);
        requireApart(part);
        String sign = part.text("replacement");
        // At the beginning of a text it becomes nothing, elsewhere a space.
        renaming.add(name -> Stream.of(name.replace(sign, ""), name.replace(sign, " ")));
      }
      case "CTC" ->
          throw part.bad("a decoder of texts, not CTC, which takes equal tokens in a row for one,");
      case "Replace" -> type = replace(part);
      case "Strip" -> strip(part);
      default -> throw part.get("type").bad("a decoder that is known");
    }
    part.noOthers();
    before.add(type);
  }

  private void requireApart(JsonPart part) {
    if (joined) {
      throw part.bad("this decoder before those that join tokens, which are " + JOINS + ",");
    }
  }

  /** Before it only names may be changed, and none of a byte's. */
  private void joinBytes(JsonPart part) {
    requireApart(part);
    for (String type : before) {
      if (!type.equals("Replace") && !type.equals("Metaspace")) {
        throw part.bad("only Metaspace and Replace of a text before it, not " + type + ",");
      }
    }
    boolean[] there = new boolean[256];
    boolean beyondAscii = false;
    for (String token : tokens) {
      int value = ByteRuns.value(token);
      if (renamed(token).anyMatch(name -> ByteRuns.value(name) != value)) {
        throw part.bad(
            "parts before it that make no byte of a text, and no text or other byte of a byte, as"
                + " they do of "
                + Shown.name(token)
                + ",");
      }
      if (value >= 0) {
        there[value] = true;
        beyondAscii |= value > 0x7F;
      }
    }
    for (int value : REPLACEMENT_BYTES) {
      if (beyondAscii && !there[value]) {
        throw part.bad(
            String.format(
                Locale.ROOT, "tokens for all bytes, or for ASCII only, none for <0x%02X>,", value));
      }
    }
    joined = true;
    joinsBytes = true;
  }

  private Stream<String> renamed(String token) {
    Stream<String> names = Stream.of(token);
    for (Function<String, Stream<String>> each : renaming) {
      names = names.flatMap(each).distinct();
    }
    return names;
  }

  /** The last token loses its suffix, those before it get a space for it, wherever it stands. */
  private void suffix(JsonPart part) {
    String suffix = part.text("suffix");
    if (suffix.isEmpty()) {
      throw part.get("suffix").bad("at least one character");
    }
    if (!before.isEmpty()) {
      throw part.bad("BPEDecoder before all other decoders");
    }
    for (String token : tokens) {
      int at = token.indexOf(suffix);
      if (at >= 0 && at != token.length() - suffix.length()) {
        throw part.get("suffix")
            .bad("what stands at the end of tokens only, not as in " + Shown.name(token) + ",");
      }
    }
  }

  /** Returns what it is called. */
  private String replace(JsonPart part) {
    PipelineParts.requirePattern(part, limit);
    String content = part.text("content");
    limit.replace(part, content);
    JsonPart pattern = part.get("pattern");
    boolean text = pattern.has("String");
    String replaced = text ? pattern.text("String") : "";
    boolean one = text && replaced.codePointCount(0, replaced.length()) == 1;
    if (joined && (!one || replaced.codePointAt(0) == REPLACEMENT)) {
      throw part.bad(
          "a pattern of one character, and not U+FFFD, behind those that join tokens, which are "
              + JOINS
              + ",");
    }
    if (text) {
      renaming.add(name -> Stream.of(name.replace(replaced, content)));
    } else {
      requireShortTokens(part);
    }
    return text ? "Replace" : "Replace of a regular expression";
  }

  /** The library's regular expressions abort the virtual machine at texts that are too long. */
  private void requireShortTokens(JsonPart part) {
    for (String token : tokens) {
      if (token.length() > limit.longest()) {
        throw part.bad(
            "a pattern that takes fewer steps at the longest token, which has "
                + token.length()
                + " characters,");
      }
    }
  }

  private void strip(JsonPart part) {
    part.character("content");
    int start = part.integer("start", 0, Integer.MAX_VALUE);
    // It takes characters from the end of texts that have none.
    part.integer("stop", 0, 0);
    if (joined && start > 1) {
      throw part.get("start").bad("at most 1 behind those that join tokens, " + JOINS + ",");
    }
  }
}
