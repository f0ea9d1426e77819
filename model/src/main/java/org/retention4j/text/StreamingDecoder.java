package org.retention4j.text;

import java.util.Arrays;

/**
 * Turns tokens into text as they come, never with half a character: what ends in a character that
 * is not whole waits for more tokens. Tokens are decoded together with the few before them, because
 * a tokenizer may render the first token of a text otherwise.
 */
public final class StreamingDecoder {
  /** A character is at most four tokens of one byte each; what waits longer is no character. */
  private static final int LONGEST_WAIT = 16;

  private static final char REPLACEMENT = '\uFFFD';

  private final Tokenizer tokenizer;
  private int[] window = new int[32];
  private int size;

  /** Tokens of the window whose text was given out: context for those behind them. */
  private int given;

  /** Begins a text. */
  public StreamingDecoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Takes a token and returns the text that is whole now, often none. */
  public String accept(int token) {
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = token;
    String text = waiting();
    boolean whole = !text.isEmpty() && text.charAt(text.length() - 1) != REPLACEMENT;
    return whole || size - given > LONGEST_WAIT ? give(text) : "";
  }

  /** Returns what still waits, replaced where it is no character. */
  public String flush() {
    return size == given ? "" : give(waiting());
  }

  /** Returns the text of the tokens behind those given: the whole window's less the context's. */
  private String waiting() {
    String context = tokenizer.decode(Arrays.copyOf(window, given));
    String all = tokenizer.decode(Arrays.copyOf(window, size));
    return all.startsWith(context) ? all.substring(context.length()) : all;
  }

  /** Keeps the tokens just given as the context of the next. */
  private String give(String text) {
    int kept = size - given;
    System.arraycopy(window, given, window, 0, kept);
    size = kept;
    given = kept;
    return text;
  }
}
