package org.retention4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * A text in UTF-8 of any length, in pieces of bounded size to be tokenized one after the other. A
 * piece ends before a line's first letter where it can, else before a word's space: tokens do not
 * reach across either in usual tokenizers. A byte order mark at the beginning is no part of it.
 */
final class TextPieces {
  /** Characters of a piece, where no tokenizer takes fewer. */
  static final int LENGTH = 1 << 18;

  private static final char BYTE_ORDER_MARK = '\ufeff';

  private final Reader reader;
  private final char[] buffer;
  private int held;
  private boolean begun;
  private boolean ended;

  /**
   * Reads a stream, which whoever opened it closes.
   *
   * @param length most characters of a piece, at least 2
   */
  TextPieces(InputStream in, int length) {
    if (length < 2) {
      throw new IllegalArgumentException("expected pieces of at least 2 characters, got " + length);
    }
    // Decoding with a decoder of its own refuses what is no UTF-8; the charset alone replaces it.
    reader = new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder());
    buffer = new char[length];
  }

  /**
   * Returns the next piece, or null at the end.
   *
   * @throws CharacterCodingException for bytes that are no UTF-8
   */
  String next() throws IOException {
    fill();
    if (!begun && held > 0 && buffer[0] == BYTE_ORDER_MARK) {
      drop(1);
      fill();
    }
    begun = true;
    if (held == 0) {
      return null;
    }
    int end = ended ? held : cut();
    String piece = new String(buffer, 0, end);
    drop(end);
    return piece;
  }

  private void fill() throws IOException {
    while (!ended && held < buffer.length) {
      int count = reader.read(buffer, held, buffer.length - held);
      ended = count < 0;
      held += Math.max(0, count);
    }
  }

  private void drop(int count) {
    System.arraycopy(buffer, count, buffer, 0, held - count);
    held -= count;
  }

  /** Returns where to cut a full buffer: not within a pair of surrogates whatever else. */
  private int cut() {
    for (int i = held - 1; i > held / 2; i--) {
      if (buffer[i - 1] == '\n' && !Character.isWhitespace(buffer[i])) {
        return i;
      }
    }
    for (int i = held - 1; i > held / 2; i--) {
      if (buffer[i] == ' ' && !Character.isWhitespace(buffer[i - 1])) {
        return i;
      }
    }
    return Character.isHighSurrogate(buffer[held - 1]) ? held - 1 : held;
  }
}
