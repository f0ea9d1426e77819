package org.retention4j.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Tokens are the bytes of UTF-8: for models without a tokenizer of their own. */
public final class ByteTokenizer implements Tokenizer {
  private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);

  private final int vocabulary;

  /**
   * Makes one.
   *
   * @param vocabulary the model's; bytes beyond it are refused
   */
  public ByteTokenizer(int vocabulary) {
    if (vocabulary < 1) {
      throw new IllegalArgumentException("expected a vocabulary >= 1, got " + vocabulary);
    }
    this.vocabulary = vocabulary;
  }

  @Override
  public int[] encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = bytes[i] & 0xff;
      if (tokens[i] >= vocabulary) {
        throw new IllegalArgumentException(
            String.format(
                "expected bytes in 0..%d, the model's vocabulary, got 0x%02x at byte %d of the text",
                vocabulary - 1, tokens[i], i));
      }
    }
    return tokens;
  }

  @Override
  public String decode(int... tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(tokens.length);
    for (int token : tokens) {
      if (token >= 0 && token < 256) {
        bytes.write(token);
      } else {
        bytes.writeBytes(REPLACEMENT);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public String name() {
    return "bytes";
  }

  @Override
  public void close() {}
}
