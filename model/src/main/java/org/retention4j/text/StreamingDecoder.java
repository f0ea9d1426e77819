package org.retention4j.text;

import java.util.Arrays;

/**
 * Turns growing tokens into pieces of text that add up to the text of all tokens.
 *
 * <p>A character whose bytes lie in several tokens is held back until it is whole. Each token is
 * decoded together with a few before it, because tokenizers of the Llama kind drop the space that
 * begins a text; a token therefore costs the decoding of a bounded number of tokens, however long
 * the text is. For one thread at a time.
 */
public final class StreamingDecoder {
  /** A character has at most four bytes: its first token is at most three before its last. */
  private static final int UNFINISHED_TOKENS = 3;

  /** Most tokens that are decoded at once; what goes on longer is malformed or no text. */
  private static final int LONGEST_WINDOW = 32;

  private final Tokenizer tokenizer;
  private final int[] window = new int[LONGEST_WINDOW];
  private int size;

  /** How many tokens at the window's begin only give context. */
  private int context;

  /** How many chars of the window's text were returned before. */
  private int emitted;

  /** Starts a text. */
  public StreamingDecoder(Tokenizer tokenizer) {
    this(tokenizer, new int[0]);
  }

  /**
   * Goes on after a prompt, whose text is not returned.
   *
   * @throws IllegalArgumentException if a token of the prompt is negative
   */
  public StreamingDecoder(Tokenizer tokenizer, int[] prompt) {
    this.tokenizer = tokenizer;
    Text.checkTokens(prompt);
    // A context that begins within a character would spoil the bytes that follow it.
    int longest = Math.min(prompt.length, LONGEST_WINDOW / 4);
    int shortest = Math.max(0, longest - UNFINISHED_TOKENS);
    for (int taken = longest; taken >= shortest; taken--) {
      System.arraycopy(prompt, prompt.length - taken, window, 0, taken);
      size = taken;
      if (text().indexOf(Text.REPLACEMENT) != 0) {
        break;
      }
    }
    context = size;
    emitted = text().length();
  }

  /**
   * Returns the text that is certain with this token, often empty.
   *
   * @throws IllegalArgumentException if the token is negative
   */
  public String accept(int token) {
    if (size == LONGEST_WINDOW) {
      shorten();
    }
    window[size++] = token;
    String text;
    try {
      text = text();
    } catch (IllegalArgumentException e) {
      size--;
      throw e;
    }
    int open = Text.trailingReplacements(text);
    if (open == 0) {
      String piece = rest(text, text.length());
      if (!piece.isEmpty()) {
        startAfter();
      }
      return piece;
    }
    if (size - context <= UNFINISHED_TOKENS) {
      return "";
    }
    // Only the last three can still become a character, whether a tokenizer decodes an unfinished
    // one to one U+FFFD or to one for each byte.
    String piece = rest(text, text.length() - Math.min(open, UNFINISHED_TOKENS));
    emitted += piece.length();
    return piece;
  }

  /** Returns what was held back, as U+FFFD where it is no character. The text may go on. */
  public String flush() {
    String piece = rest(text(), Integer.MAX_VALUE);
    if (!piece.isEmpty()) {
      startAfter();
    }
    return piece;
  }

  /** Makes the tokens since the last context the context of what follows. */
  private void startAfter() {
    System.arraycopy(window, context, window, 0, size - context);
    size -= context;
    context = size;
    emitted = text().length();
  }

  /** Drops the older half; as many chars stay held back as were. */
  private void shorten() {
    int held = Math.max(0, text().length() - emitted);
    int dropped = LONGEST_WINDOW / 2;
    System.arraycopy(window, dropped, window, 0, size - dropped);
    size -= dropped;
    context = Math.max(0, context - dropped);
    emitted = Math.max(0, text().length() - held);
  }

  private String text() {
    return size == 0 ? "" : tokenizer.decode(Arrays.copyOf(window, size));
  }

  private String rest(String text, int end) {
    int from = emitted;
    int to = Math.min(end, text.length());
    if (from > 0 && from < to && Character.isLowSurrogate(text.charAt(from))) {
      from++;
    }
    return from < to ? text.substring(from, to) : "";
  }
}
