package org.retention4j.text;

/** Turns text into tokens and back. May be used from many threads. */
public interface Tokenizer extends AutoCloseable {
  /**
   * Returns the tokens of a text.
   *
   * @throws IllegalArgumentException if the text needs a token that the model does not have
   */
  int[] encode(String text);

  /** Returns the text of tokens; what is no text becomes U+FFFD. */
  String decode(int... tokens);

  /** Returns a short name for reports. */
  String name();

  @Override
  void close();
}
