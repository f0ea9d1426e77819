package org.retention4j.text.internal.json;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * How long a text one call may tokenize: the library holds some hundred bytes for each character,
 * and its regular expressions give up, by aborting, after ten million steps at one place.
 *
 * <p>Parts are counted in the order in which they work. What one char of the text becomes is
 * bounded twice, in chars and in bytes of UTF-8, because what a part puts in depends on how many
 * there are of one or of the other.
 */
final class TextLimit {
  /** How far Unicode's forms take characters apart, at most: each number is reached by one. */
  enum Form {
    /** NFD and NFC. */
    CANONICAL(4, 9, 3),
    /** NFKD and NFKC: U+FDFA becomes 18 letters. */
    COMPATIBILITY(18, 33, 11);

    private final int chars;
    private final int bytes;
    private final double ratio;

    Form(int chars, int bytes, double ratio) {
      this.chars = chars;
      this.bytes = bytes;
      this.ratio = ratio;
    }
  }

  private static final int LONGEST = 1 << 22;

  /** A char of UTF-16 has no more in UTF-8. */
  private static final int BYTES_OF_A_CHAR = 3;

  private static final double MOST_STEPS = 8e6;

  /** More than any tokenizer lengthens a text. */
  private static final double MOST_GROWTH = 64;

  private double chars = 1;
  private double bytes = BYTES_OF_A_CHAR;
  private double steps = 1;

  /** The form that the text is in but for parts that change no more than case; null for none. */
  private Form form;

  /**
   * Counts a part that puts other characters in.
   *
   * @param charsOfOne the most chars of what becomes of one
   * @param bytesOfOne the most bytes of what becomes of one
   * @param ratio the most bytes that become of one byte
   */
  void grow(JsonPart part, int charsOfOne, int bytesOfOne, double ratio) {
    form = null;
    count(part, charsOfOne, bytesOfOne, ratio);
  }

  /** Counts a part that replaces at least one character by a text. */
  void replace(JsonPart part, String content) {
    int length = content.getBytes(StandardCharsets.UTF_8).length;
    grow(part, content.length(), length, length);
  }

  /** Counts a part that puts a text before each character, at worst. */
  void prepend(JsonPart part, String content) {
    int length = content.getBytes(StandardCharsets.UTF_8).length;
    grow(part, content.length() + 1, length + BYTES_OF_A_CHAR, length + 1);
  }

  /** Counts spaces on both sides of Chinese characters, which have three bytes or more. */
  void surround(JsonPart part, boolean surrounds) {
    if (surrounds) {
      grow(part, 3, BYTES_OF_A_CHAR + 2, 5.0 / 3);
    }
  }

  /** Counts a part that makes a character of one or two bytes of each byte. */
  void spellBytes(JsonPart part) {
    grow(part, BYTES_OF_A_CHAR, 2 * BYTES_OF_A_CHAR, 2);
  }

  /** Counts small letters: U+0130 becomes two chars of three bytes. Decompositions grow no more. */
  void lowercase(JsonPart part, boolean lowers) {
    if (lowers) {
      count(part, 2, BYTES_OF_A_CHAR, 1.5);
    }
  }

  /** Counts a form of Unicode; one that takes apart no further than one before it adds nothing. */
  void decompose(JsonPart part, Form next) {
    if (form != null && next.compareTo(form) <= 0) {
      return;
    }
    double known = form == null ? 1 : form.ratio;
    count(part, next.chars, next.bytes, next.ratio / known);
    form = next;
  }

  /** Counts a part that gives the text several times. */
  void repeat(JsonPart part, int times) {
    chars *= times;
    bytes *= times;
    check(part);
  }

  private void count(JsonPart part, int charsOfOne, int bytesOfOne, double ratio) {
    bytes = Math.min(bytes * Math.max(1, ratio), chars * Math.max(bytesOfOne, BYTES_OF_A_CHAR));
    chars = Math.min(chars * Math.max(1, charsOfOne), bytes);
    check(part);
  }

  private void check(JsonPart part) {
    if (growth() > MOST_GROWTH) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected parts that lengthen a text at most %.0f times, got %s",
              MOST_GROWTH,
              part.where()));
    }
  }

  private double growth() {
    return bytes / BYTES_OF_A_CHAR;
  }

  /** Checks the pattern of a part and counts its steps; returns whether it can match nothing. */
  boolean pattern(JsonPart pattern) {
    if (pattern.has("String")) {
      String text = pattern.text("String");
      pattern.noOthers();
      return text.isEmpty();
    }
    JsonPart regex = pattern.get("Regex");
    boolean matchesNothing;
    try {
      matchesNothing = expression(regex.text());
    } catch (IllegalArgumentException e) {
      throw regex.bad("a regular expression " + e.getMessage());
    }
    pattern.noOthers();
    return matchesNothing;
  }

  /**
   * Counts the steps of a regular expression; returns whether it can match nothing.
   *
   * @throws IllegalArgumentException if they are not known, or too many
   */
  boolean expression(String regex) {
    RegexCost cost = RegexCost.of(regex);
    steps = Math.max(steps, cost.stepsPerCharacter() * chars);
    return cost.matchesNothing();
  }

  /** Returns the most chars of a text. */
  int longest() {
    return (int) Math.min(LONGEST / growth(), MOST_STEPS / steps);
  }
}
