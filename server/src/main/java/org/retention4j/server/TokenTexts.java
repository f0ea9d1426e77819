package org.retention4j.server;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.retention4j.text.Tokenizer;

/** How single tokens are written in log-probabilities. */
final class TokenTexts {
  private static final char REPLACEMENT = '\uFFFD';

  private final Tokenizer tokenizer;
  private final Map<Integer, String> special = new ConcurrentHashMap<>();

  TokenTexts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    tokenizer.specialTokens().forEach((text, token) -> special.put(token, text));
  }

  /** Returns its text, or its number where it has none by itself, as a part of a character. */
  String of(int token) {
    String name = special.get(token);
    if (name != null) {
      return name;
    }
    String text = tokenizer.decode(new int[] {token});
    return text.isEmpty() || text.indexOf(REPLACEMENT) >= 0 ? "token_id:" + token : text;
  }
}
