package org.retention4j.text;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.retention4j.args.Args;

/**
 * Ends streamed text before the first stop string, wherever the pieces break.
 *
 * <p>Of several stop strings the one that is complete first counts, and of those that end together
 * the longest. Text that could begin a stop string is held back. For one thread at a time.
 *
 * @since 0.1
 */
public final class StopStrings {
  private final List<Stop> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /**
   * @param stops any number; none lets everything through at once
   * @throws IllegalArgumentException if one is empty
   */
  public StopStrings(List<String> stops) {
    Args.present("stop strings", stops).forEach(stop -> Args.present("a stop string", stop));
    if (stops.contains("")) {
      throw new IllegalArgumentException("expected stop strings with text, got an empty one");
    }
    this.stops = stops.stream().map(Stop::new).toList();
  }

  /** A stop string and how much of it the text ends with (Knuth, Morris and Pratt 1977). */
  private static final class Stop {
    private final String text;

    /** Of the first i characters, the longest end that is a beginning too. */
    private final int[] shorter;

    private int seen;

    Stop(String text) {
      this.text = text;
      shorter = new int[text.length() + 1];
      for (int i = 1; i < text.length(); i++) {
        shorter[i + 1] = longer(shorter[i], text.charAt(i));
      }
    }

    /** Returns how much the text ends with when a character follows. */
    private int longer(int length, char next) {
      int at = length;
      while (at > 0 && text.charAt(at) != next) {
        at = shorter[at];
      }
      return text.charAt(at) == next ? at + 1 : 0;
    }

    /** Returns its length if the text ends with it now, else 0. */
    int take(char next) {
      seen = longer(seen, next);
      return seen == text.length() ? seen : 0;
    }
  }

  /**
   * Returns the special tokens that stop strings stand for: those whose whole text one is. Such
   * tokens have no text of their own, so that no string would be found where they come.
   *
   * @throws IllegalArgumentException if a stop string holds a special token's text and more
   */
  public static Set<Integer> specialTokens(List<String> stops, Tokenizer tokenizer) {
    Map<String, Integer> special = tokenizer.specialTokens();
    Set<Integer> tokens = new HashSet<>();
    for (String stop : stops) {
      Integer token = special.get(stop);
      if (token != null) {
        tokens.add(token);
        continue;
      }
      for (Map.Entry<String, Integer> each : special.entrySet()) {
        if (stop.contains(each.getKey())) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "expected stop strings that are a special token's text or hold none, got '%s' with"
                      + " '%s': special tokens have no text; stop at '%s', or at token %d",
                  stop,
                  each.getKey(),
                  each.getKey(),
                  each.getValue()));
        }
      }
    }
    return tokens;
  }

  /** Takes the next piece and returns the text that is certain; empty after the stop. */
  public String accept(String piece) {
    if (stopped) {
      return "";
    }
    for (int i = 0; i < piece.length(); i++) {
      held.append(piece.charAt(i));
      int longest = longestEnding(piece.charAt(i));
      if (longest > 0) {
        stopped = true;
        held.setLength(held.length() - longest);
        return take(held.length());
      }
    }
    return take(held.length() - stops.stream().mapToInt(stop -> stop.seen).max().orElse(0));
  }

  private int longestEnding(char next) {
    int longest = 0;
    for (Stop stop : stops) {
      longest = Math.max(longest, stop.take(next));
    }
    return longest;
  }

  /** Returns whether a stop string was seen. */
  public boolean stopped() {
    return stopped;
  }

  /** Returns what was held back, at the end of the text; empty after the stop. */
  public String flush() {
    stops.forEach(stop -> stop.seen = 0);
    return take(held.length());
  }

  private String take(int count) {
    String text = held.substring(0, count);
    held.delete(0, count);
    return text;
  }
}
