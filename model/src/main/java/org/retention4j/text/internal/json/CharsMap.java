package org.retention4j.text.internal.json;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;

/**
 * The compiled character map of SentencePiece: a double-array trie (Yata et al., 2007, as in
 * darts-clone) from bytes to where their replacement begins in a list of texts that end in 0. The
 * library follows its offsets unchecked.
 */
final class CharsMap {
  private static final String EXPECTED = "the compiled character map of SentencePiece in base 64";

  private final JsonPart part;
  private final int[] units;
  private final byte[] texts;
  private int mostBytes;
  private int mostChars;

  private CharsMap(JsonPart part) {
    this.part = part;
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(part.text());
    } catch (IllegalArgumentException e) {
      throw part.bad(EXPECTED);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int size = bytes.length < Integer.BYTES ? 0 : buffer.getInt();
    if (size < Integer.BYTES || size % Integer.BYTES != 0 || size > buffer.remaining()) {
      throw part.bad(EXPECTED);
    }
    units = new int[size / Integer.BYTES];
    buffer.asIntBuffer().get(units);
    buffer.position(buffer.position() + size);
    texts = new byte[buffer.remaining()];
    buffer.get(texts);
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
    } catch (CharacterCodingException e) {
      throw part.bad(EXPECTED + " with texts in UTF-8,");
    }
  }

  /** Checks a map. */
  static CharsMap of(JsonPart part) {
    CharsMap map = new CharsMap(part);
    map.walk();
    return map;
  }

  /** Returns the most bytes that one character becomes. */
  int mostBytes() {
    return mostBytes;
  }

  /** Returns the most chars that one character becomes. */
  int mostChars() {
    return mostChars;
  }

  /** Walks wherever bytes of a text can lead. */
  private void walk() {
    BitSet seen = new BitSet();
    ArrayDeque<Integer> open = new ArrayDeque<>();
    open.add(offset(units[0]));
    while (!open.isEmpty()) {
      int node = open.remove();
      for (int c = 1; c < 256; c++) {
        int at = node ^ c;
        int unit = unit(at);
        if ((unit & 0x800000FF) != c) {
          continue;
        }
        int next = at ^ offset(unit);
        if ((unit & 0x100) != 0) {
          replacement(unit(next) & Integer.MAX_VALUE);
        }
        if (next >= 0 && !seen.get(next)) {
          seen.set(next);
          open.add(next);
        }
      }
    }
  }

  private int unit(int at) {
    if (at < 0 || at >= units.length) {
      throw part.bad(EXPECTED + " whose offsets lie within it,");
    }
    return units[at];
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & 0x200) >>> 6);
  }

  /** Takes the text at an index, where a character must begin. */
  private void replacement(int at) {
    if (at > texts.length || (at < texts.length && (texts[at] & 0xC0) == 0x80)) {
      throw part.bad(EXPECTED + " whose texts begin within it,");
    }
    int end = at;
    int chars = 0;
    while (end < texts.length && texts[end] != 0) {
      int lead = Byte.toUnsignedInt(texts[end++]);
      // Those of four bytes are two.
      chars += lead >= 0xF0 ? 2 : (lead & 0xC0) == 0x80 ? 0 : 1;
    }
    mostBytes = Math.max(mostBytes, end - at);
    mostChars = Math.max(mostChars, chars);
  }
}
