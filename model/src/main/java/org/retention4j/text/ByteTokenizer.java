package org.retention4j.text;

import java.nio.charset.StandardCharsets;

/**
 * One token per byte of UTF-8; tokens from 256 on stand for nothing.
 *
 * @since 0.1
 */
public final class ByteTokenizer implements Tokenizer {
  private static final int BYTES = 256;

  private final int vocabulary;

  /**
   * @param vocabulary of the model; 256 holds every text
   * @throws IllegalArgumentException if vocabulary &lt; 1
   */
  public ByteTokenizer(int vocabulary) {
    this.vocabulary = Text.checkVocabulary(vocabulary);
  }

  /**
   * {@inheritDoc}
   *
   * @param text an unpaired surrogate is encoded as U+FFFD
   */
  @Override
  public int[] encode(String text) {
    byte[] bytes = Text.wellFormed(text).getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]);
      if (tokens[i] >= vocabulary) {
        throw new IllegalArgumentException(
            "expected bytes below the vocabulary " + vocabulary + ", got byte " + tokens[i]);
      }
    }
    return tokens;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Malformed bytes and tokens from 256 on become U+FFFD.
   */
  @Override
  public String decode(int[] tokens) {
    Text.checkTokens(tokens);
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      // 0xFF occurs nowhere in UTF-8: it ends a character and becomes one U+FFFD.
      bytes[i] = (byte) Math.min(tokens[i], BYTES - 1);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }
}
