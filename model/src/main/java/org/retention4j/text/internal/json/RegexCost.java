package org.retention4j.text.internal.json;

/**
 * How many steps back a regular expression may take at one place of a text of N characters.
 *
 * <p>The library's engine (Oniguruma) counts them and aborts at ten million. What is counted here
 * is an upper bound a·N, from how many ways each part can match: a loop over a fixed text has N,
 * and what comes after it, where it can fail, is tried in each of them. A bound that grows faster
 * is refused, and so is what the parser does not know: back-references, calls, conditions.
 */
final class RegexCost {
  /** Of either kind; a thousand for each character leaves texts of thousands of characters. */
  private static final double MOST_STEPS = 1000;

  private final double steps;
  private final boolean matchesNothing;

  private RegexCost(double steps, boolean matchesNothing) {
    this.steps = steps;
    this.matchesNothing = matchesNothing;
  }

  /**
   * Reads a pattern.
   *
   * @throws IllegalArgumentException saying what the pattern should be
   */
  static RegexCost of(String pattern) {
    RegexNode node = new RegexParser(pattern).parse();
    RegexNode.Count work = node.work(true);
    if (work.endless() || !(work.constant() <= MOST_STEPS && work.linear() <= MOST_STEPS)) {
      throw new IllegalArgumentException("whose time does not explode with the text");
    }
    return new RegexCost(work.linear(), node.matchesNothing());
  }

  /** Returns the bound for each character of a text. */
  double stepsPerCharacter() {
    return steps;
  }

  /** Returns whether it can match the empty text. */
  boolean matchesNothing() {
    return matchesNothing;
  }
}
