package org.retention4j.text.json;

import java.util.Locale;

/**
 * How long a text one call may tokenize: the library holds some hundred bytes for each character,
 * and its regular expressions give up, by aborting, after ten million steps at one place.
 */
final class TextLimit {
  private static final int LONGEST = 1 << 22;

  /** What {@link #LONGEST} characters are counted with: most have no more. */
  private static final double BYTES_OF_A_CHARACTER = 3;

  private static final double MOST_STEPS = 8e6;

  /** More than any tokenizer lengthens a text. */
  private static final double MOST_GROWTH = 64;

  private double growth = 1;
  private double stepsPerCharacter = 1;

  /** Counts a part that makes at most so many bytes of UTF-8 of a character. */
  void grow(JsonPart part, int bytes) {
    growth *= Math.max(1, bytes / BYTES_OF_A_CHARACTER);
    if (growth > MOST_GROWTH) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected parts that lengthen a text at most %.0f times, got %s",
              MOST_GROWTH,
              part.where()));
    }
  }

  /** Checks the pattern of a part and counts its steps; returns whether it can match nothing. */
  boolean pattern(JsonPart pattern) {
    if (pattern.has("String")) {
      String text = pattern.text("String");
      pattern.noOthers();
      return text.isEmpty();
    }
    JsonPart regex = pattern.get("Regex");
    RegexCost cost;
    try {
      cost = RegexCost.of(regex.text());
    } catch (IllegalArgumentException e) {
      throw regex.bad("a regular expression " + e.getMessage());
    }
    pattern.noOthers();
    stepsPerCharacter = Math.max(stepsPerCharacter, cost.stepsPerCharacter());
    return cost.matchesNothing();
  }

  /** Returns the most characters of a text. */
  int longest() {
    return (int) Math.min(LONGEST / growth, MOST_STEPS / stepsPerCharacter / growth);
  }
}
