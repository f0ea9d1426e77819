package org.retention4j.text.json;

/**
 * Text of a file as messages show it: on one line, without what steers terminals, and short.
 *
 * @since 0.1
 */
public final class Shown {
  private static final int LONGEST = 100;

  private Shown() {}

  /** Returns a name, a value or what a library says, of which no more than a hundred characters. */
  public static String text(String text) {
    StringBuilder shown = new StringBuilder();
    int at = 0;
    while (at < text.length() && shown.length() < LONGEST) {
      int c = text.codePointAt(at);
      if (steers(c)) {
        shown.append(String.format("\\u%04x", c));
      } else {
        shown.appendCodePoint(c);
      }
      at += Character.charCount(c);
    }
    return at < text.length() ? shown.append("...").toString() : shown.toString();
  }

  private static boolean steers(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }
}
