package org.retention4j.text;

import org.retention4j.args.Args;

/** What several classes here ask of strings and tokens. */
final class Text {
  static final char REPLACEMENT = '\uFFFD';

  private Text() {}

  /** Returns the text with U+FFFD for each unpaired surrogate, which UTF-8 cannot express. */
  static String wellFormed(String text) {
    Args.present("a text", text);
    StringBuilder repaired = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1))) {
        i++;
        continue;
      }
      if (repaired == null) {
        repaired = new StringBuilder(text);
      }
      repaired.setCharAt(i, REPLACEMENT);
    }
    return repaired == null ? text : repaired.toString();
  }

  /** Returns how many U+FFFD the text ends with. */
  static int trailingReplacements(String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == REPLACEMENT) {
      end--;
    }
    return text.length() - end;
  }

  static int checkVocabulary(int vocabulary) {
    if (vocabulary < 1) {
      throw new IllegalArgumentException("expected vocabulary >= 1, got " + vocabulary);
    }
    return vocabulary;
  }

  static void checkTokens(int[] tokens) {
    Args.present("tokens", tokens);
    for (int token : tokens) {
      if (token < 0) {
        throw new IllegalArgumentException("expected tokens >= 0, got " + token);
      }
    }
  }
}
