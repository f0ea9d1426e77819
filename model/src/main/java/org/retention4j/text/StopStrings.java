package org.retention4j.text;

import java.util.List;

/**
 * Ends a streamed text before the first of some strings. What may be the beginning of one is held
 * back until it is known.
 */
public final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /**
   * Makes one for a text.
   *
   * @param stops none of them empty; none at all lets everything through
   */
  public StopStrings(List<String> stops) {
    if (stops.contains("")) {
      throw new IllegalArgumentException("expected stop strings of at least 1 character, got \"\"");
    }
    this.stops = List.copyOf(stops);
  }

  /** Takes a piece of text and returns what may be shown now; nothing once it has stopped. */
  public String accept(String piece) {
    if (stopped) {
      return "";
    }
    held.append(piece);
    int first = firstStop();
    if (first >= 0) {
      stopped = true;
      return take(first);
    }
    return take(held.length() - longestBeginning());
  }

  /** Returns whether a stop string came. */
  public boolean stopped() {
    return stopped;
  }

  /** Returns what is still held back, when no more text will come. */
  public String flush() {
    return stopped ? "" : take(held.length());
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  private int firstStop() {
    int first = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) {
        first = at;
      }
    }
    return first;
  }

  /** Returns the length of the longest end of the text that is the beginning of a stop string. */
  private int longestBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
        if (stop.startsWith(held.substring(held.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
