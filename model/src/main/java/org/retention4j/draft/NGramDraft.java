package org.retention4j.draft;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.args.Args;

/**
 * Guesses that a text goes on as it did behind the same few tokens before: good where texts repeat
 * themselves, as code, tables and answers that quote do. It costs next to nothing.
 *
 * @since 0.1
 */
public final class NGramDraft implements Draft {
  /** Looks for the last 4 tokens, then for the last 3 and 2. */
  private static final int LONGEST = 4;

  private static final int SHORTEST = 2;

  private static final long FACTOR = 0x9E3779B97F4A7C15L;

  private final int shortest;
  private final int longest;

  /** For each length, where the text went on behind n-grams when they came last, by their hash. */
  private final List<Map<Long, Integer>> next = new ArrayList<>();

  private int[] text = new int[256];
  private int length;

  /** Looks for the last 4 to 2 tokens. */
  public NGramDraft() {
    this(SHORTEST, LONGEST);
  }

  /**
   * Looks for the last tokens of the text, the longest first.
   *
   * @param shortest at least 1
   * @param longest at least shortest
   */
  public NGramDraft(int shortest, int longest) {
    if (shortest < 1 || longest < shortest) {
      throw new IllegalArgumentException(
          "expected 1 <= shortest <= longest, got " + shortest + " and " + longest);
    }
    this.shortest = shortest;
    this.longest = longest;
    for (int n = shortest; n <= longest; n++) {
      next.add(new HashMap<>());
    }
  }

  @Override
  public void accept(int... tokens) {
    for (int token : Args.present("tokens", tokens)) {
      for (int n = shortest; n <= longest && n <= length; n++) {
        next.get(n - shortest).put(hash(n), length);
      }
      if (length == text.length) {
        text = Arrays.copyOf(text, 2 * length);
      }
      text[length++] = token;
    }
  }

  /** Returns a hash of the last n tokens; if it is another's too, the guess is worse. */
  private long hash(int n) {
    long hash = n;
    for (int i = length - n; i < length; i++) {
      hash = (hash ^ text[i]) * FACTOR;
      hash ^= hash >>> 32;
    }
    return hash;
  }

  @Override
  public int propose(int[] into, int most) {
    for (int n = Math.min(longest, length); n >= shortest; n--) {
      Integer from = next.get(n - shortest).get(hash(n));
      if (from != null) {
        for (int i = 0; i < most; i++) {
          int at = from + i;
          // A text that repeats itself goes on with what is guessed here.
          into[i] = at < length ? text[at] : into[at - length];
        }
        return most;
      }
    }
    return 0;
  }

  @Override
  public void close() {}
}
