package org.retention4j.text;

import java.util.Arrays;
import org.retention4j.args.Args;

/**
 * Turns growing tokens into pieces of text that add up to the text of all tokens.
 *
 * <p>A character whose bytes lie in several tokens is held back until it is whole. Each token is
 * decoded together with a few before it, because tokenizers of the Llama kind drop the space that
 * begins a text; a token therefore costs the decoding of a bounded number of tokens, however long
 * the text is. Where a prompt or a flushed text ends within a character, that character follows
 * once it is whole. For one thread at a time.
 *
 * @since 0.1
 */
public final class StreamingDecoder {
  /** A character has at most four bytes: its first token is at most three before its last. */
  private static final int UNFINISHED_TOKENS = 3;

  /** Most tokens that are decoded at once; what goes on longer is malformed or no text. */
  private static final int LONGEST_WINDOW = 32;

  /** Most tokens of a prompt that are decoded. */
  private static final int LONGEST_CONTEXT = 8;

  private final Tokenizer tokenizer;
  private final int[] window = new int[LONGEST_WINDOW];
  private int size;

  /** How many tokens at the window's begin only give context. */
  private int context;

  /** Whether the window's last token has no text, as special tokens have none. */
  private boolean endsTextless;

  /** The window's text. */
  private String text = "";

  /** How much of the window's text was returned, or is the context's. */
  private String shown = "";

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
    this.tokenizer = Args.present("a tokenizer", tokenizer);
    Text.checkTokens(prompt);
    int[] last = lastWithText(prompt);
    begin(last, last.length);
    // A context that begins within a character could spoil the bytes that follow it.
    for (int cut = 1; cut <= UNFINISHED_TOKENS && last.length == LONGEST_CONTEXT; cut++) {
      if (text.indexOf(Text.REPLACEMENT) != 0) {
        break;
      }
      begin(last, last.length - cut);
    }
    if (text.indexOf(Text.REPLACEMENT) == 0) {
      begin(last, last.length);
    }
    context = size;
    shown = text;
    endsTextless = size > 0 && isTextless(window[size - 1]);
  }

  private void begin(int[] last, int taken) {
    System.arraycopy(last, last.length - taken, window, 0, taken);
    size = taken;
    text = decoded();
  }

  /** Returns a prompt's end, in which one token without text stands for several in a row. */
  private int[] lastWithText(int[] prompt) {
    int[] last = new int[LONGEST_CONTEXT];
    int begin = last.length;
    boolean textless = false;
    for (int i = prompt.length - 1; i >= 0 && begin > 0; i--) {
      boolean again = textless;
      textless = isTextless(prompt[i]);
      if (!(textless && again)) {
        last[--begin] = prompt[i];
      }
    }
    return Arrays.copyOfRange(last, begin, last.length);
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
    String before = text;
    window[size++] = token;
    try {
      text = decoded();
    } catch (IllegalArgumentException e) {
      size--;
      throw e;
    }
    if (text.equals(before) && isTextless(token)) {
      size -= endsTextless ? 1 : 0;
      endsTextless = true;
      return "";
    }
    endsTextless = false;
    if (takesBack()) {
      forget();
    }
    int open = Text.trailingReplacements(text);
    if (open == 0) {
      return take(text.length(), true);
    }
    if (size - context <= UNFINISHED_TOKENS) {
      return "";
    }
    // Only the last three can still become a character, whether a tokenizer decodes an unfinished
    // one to one U+FFFD or to one for each byte.
    return take(text.length() - Math.min(open, UNFINISHED_TOKENS), false);
  }

  /** Returns what was held back, as U+FFFD where it is no character. The text may go on. */
  public String flush() {
    return take(text.length(), true);
  }

  /** Returns the text up to an end that was not shown yet. */
  private String take(int end, boolean startsAfter) {
    int from = common();
    if (from >= end) {
      return "";
    }
    String piece = text.substring(from, end);
    shown = text.substring(0, end);
    if (startsAfter) {
      startAfter();
    }
    return piece;
  }

  /** Returns how many chars of the text were shown as they are now; no half of a pair. */
  private int common() {
    int most = Math.min(shown.length(), text.length());
    int at = 0;
    while (at < most && shown.charAt(at) == text.charAt(at)) {
      at++;
    }
    return at > 0 && at < text.length() && Character.isHighSurrogate(text.charAt(at - 1))
        ? at - 1
        : at;
  }

  /**
   * Whether text that was shown is another now, and not only an unfinished character that goes on:
   * some tokenizers decode no byte of a run while one of them belongs to no character.
   */
  private boolean takesBack() {
    return shown.chars().skip(common()).anyMatch(c -> c != Text.REPLACEMENT);
  }

  /** Forgets the context, or what else was shown, so that the rest stands alone. */
  private void forget() {
    int dropped = context > 0 ? context : size - 1;
    System.arraycopy(window, dropped, window, 0, size - dropped);
    size -= dropped;
    context = 0;
    text = decoded();
    shown = "";
  }

  /** Makes the tokens since the last context the context of what follows. */
  private void startAfter() {
    System.arraycopy(window, context, window, 0, size - context);
    size -= context;
    context = size;
    text = decoded();
    shown = text;
  }

  /** Drops the older half; as many chars stay held back as were. */
  private void shorten() {
    int held = Math.max(0, text.length() - shown.length());
    int dropped = LONGEST_WINDOW / 2;
    System.arraycopy(window, dropped, window, 0, size - dropped);
    size -= dropped;
    context = Math.max(0, context - dropped);
    text = decoded();
    shown = text.substring(0, Math.max(0, text.length() - held));
  }

  /** Whether a token has no text even behind itself, where no begin of a text swallows it. */
  private boolean isTextless(int token) {
    return tokenizer.decode(new int[] {token, token}).isEmpty();
  }

  private String decoded() {
    return size == 0 ? "" : tokenizer.decode(Arrays.copyOf(window, size));
  }
}
