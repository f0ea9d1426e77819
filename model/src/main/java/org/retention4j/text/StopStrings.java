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
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /**
   * @param stops any number; none lets everything through at once
   * @throws IllegalArgumentException if one is empty
   */
  public StopStrings(List<String> stops) {
    Args.present("stop strings", stops).forEach(stop -> Args.present("a stop string", stop));
    this.stops = List.copyOf(stops);
    if (this.stops.contains("")) {
      throw new IllegalArgumentException("expected stop strings with text, got an empty one");
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
    int old = held.length();
    held.append(piece);
    for (int end = old + 1; end <= held.length(); end++) {
      int longest = longestEndingAt(end);
      if (longest > 0) {
        stopped = true;
        held.setLength(end - longest);
        return take(held.length());
      }
    }
    return take(held.length() - longestBeginning());
  }

  /** Returns whether a stop string was seen. */
  public boolean stopped() {
    return stopped;
  }

  /** Returns what was held back, at the end of the text; empty after the stop. */
  public String flush() {
    return take(held.length());
  }

  private int longestEndingAt(int end) {
    int longest = 0;
    for (String stop : stops) {
      int length = stop.length();
      if (length > longest && length <= end && heldHas(end - length, stop, length)) {
        longest = length;
      }
    }
    return longest;
  }

  /** Returns the length of the longest end of the held text that begins a stop string. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      int most = Math.min(stop.length() - 1, held.length());
      for (int length = most; length > longest; length--) {
        if (heldHas(held.length() - length, stop, length)) {
          longest = length;
        }
      }
    }
    return longest;
  }

  private boolean heldHas(int from, String stop, int length) {
    for (int i = 0; i < length; i++) {
      if (held.charAt(from + i) != stop.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private String take(int count) {
    String text = held.substring(0, count);
    held.delete(0, count);
    return text;
  }
}
