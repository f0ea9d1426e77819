package org.retention4j.text.internal.json;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * Tokens that stand for bytes, as {@code <0xE2>}, in runs of which not every byte belongs to a
 * character.
 *
 * <p>The library takes a whole run for U+FFFD if any byte of it is no text, so that a byte that
 * comes would take back characters that were there. Here only the bytes that are no text become
 * U+FFFD, one each: they are replaced by its three bytes before the library sees them.
 *
 * @since 0.1
 */
public final class ByteRuns {
  private static final int BYTES = 256;

  /** What ends a run, and what is left out before runs are looked for. */
  private static final int TEXT = -1;

  private static final int NOTHING = -2;

  private final Map<Integer, Integer> bytes;
  private final BitSet others;
  private final int[] replacement;

  /**
   * @param bytes of the tokens that stand for one
   * @param others the tokens with text of their own
   * @param replacement the three tokens of U+FFFD
   */
  private ByteRuns(Map<Integer, Integer> bytes, BitSet others, int[] replacement) {
    this.bytes = bytes;
    this.others = others;
    this.replacement = replacement;
  }

  /**
   * Returns the runs of a vocabulary, null if it lacks a byte of U+FFFD.
   *
   * @param ids of all tokens
   * @param known all numbers of tokens
   * @param special the tokens that have no text
   */
  static ByteRuns of(Map<String, Integer> ids, BitSet known, Map<String, Integer> special) {
    Map<Integer, Integer> bytes = new HashMap<>();
    BitSet others = (BitSet) known.clone();
    special.values().forEach(others::clear);
    int[] tokens = new int[BYTES];
    Arrays.fill(tokens, -1);
    for (Map.Entry<String, Integer> entry : ids.entrySet()) {
      int value = value(entry.getKey());
      if (value >= 0 && others.get(entry.getValue())) {
        bytes.put(entry.getValue(), value);
        tokens[value] = entry.getValue();
        others.clear(entry.getValue());
      }
    }
    int[] replacement = {tokens[0xEF], tokens[0xBF], tokens[0xBD]};
    boolean there = Arrays.stream(replacement).allMatch(token -> token >= 0);
    return there ? new ByteRuns(bytes, others, replacement) : null;
  }

  /** Returns the byte that a token stands for, -1 for none. */
  static int value(String token) {
    boolean named =
        token.length() == 6
            && token.startsWith("<0x")
            && HexFormat.isHexDigit(token.charAt(3))
            && HexFormat.isHexDigit(token.charAt(4))
            && token.endsWith(">");
    return named ? HexFormat.fromHexDigits(token, 3, 5) : -1;
  }

  /** Returns the tokens with those of U+FFFD for each byte that belongs to no character. */
  public long[] repaired(int[] given) {
    int[] values = new int[given.length];
    int[] places = new int[given.length];
    int count = 0;
    for (int i = 0; i < given.length; i++) {
      int value = bytes.getOrDefault(given[i], others.get(given[i]) ? TEXT : NOTHING);
      if (value != NOTHING) {
        values[count] = value;
        places[count++] = i;
      }
    }
    long[] repaired = new long[3 * count];
    int size = 0;
    int at = 0;
    while (at < count) {
      int length = values[at] == TEXT ? 1 : characterLength(values, at, count);
      if (length == 0) {
        for (int token : replacement) {
          repaired[size++] = token;
        }
        at++;
      }
      for (int i = 0; i < length; i++) {
        repaired[size++] = given[places[at++]];
      }
    }
    return Arrays.copyOf(repaired, size);
  }

  /** Returns how many bytes the character has that begins here, 0 if none does (RFC 3629). */
  private static int characterLength(int[] values, int at, int end) {
    int first = values[at];
    int length;
    if (first < 0x80) {
      length = 1;
    } else if (first < 0xC2 || first > 0xF4) {
      return 0;
    } else {
      length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    }
    if (at + length > end) {
      return 0;
    }
    for (int i = 1; i < length; i++) {
      int least = 0x80;
      int most = 0xBF;
      if (i == 1) {
        least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
      }
      if (values[at + i] < least || values[at + i] > most) {
        return 0;
      }
    }
    return length;
  }
}
