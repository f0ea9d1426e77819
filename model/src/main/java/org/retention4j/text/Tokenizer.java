package org.retention4j.text;

import java.util.Map;

/**
 * Text to tokens and back. Implementations may be used by several threads at once.
 *
 * @since 0.1
 */
public interface Tokenizer extends AutoCloseable {
  /**
   * Returns the tokens of a text, each in 0..vocabulary()-1.
   *
   * @throws IllegalArgumentException if the text needs a token outside the vocabulary
   */
  int[] encode(String text);

  /**
   * Returns the tokens of a text that goes on from an earlier one: without those that mark a
   * beginning.
   *
   * @throws IllegalArgumentException if the text needs a token outside the vocabulary
   */
  default int[] encodeMore(String text) {
    return encode(text);
  }

  /**
   * Returns the text of tokens; what is no text becomes U+FFFD.
   *
   * @throws IllegalArgumentException if a token is negative
   */
  String decode(int[] tokens);

  /**
   * Returns the tokens that have no text in {@link #decode}, such as the end of a text, by the text
   * that stands for them where they are written; by default there are none.
   */
  default Map<String, Integer> specialTokens() {
    return Map.of();
  }

  /**
   * Returns the most chars of a text that {@link #encode} and {@link #encodeMore} take at once,
   * &gt;= 2; by default any text is taken.
   */
  default int longestText() {
    return Integer.MAX_VALUE;
  }

  /** Returns the number of tokens of the model this tokenizer serves. */
  int vocabulary();

  /** Frees what the tokenizer holds; closing twice does no harm. */
  @Override
  default void close() {}
}
