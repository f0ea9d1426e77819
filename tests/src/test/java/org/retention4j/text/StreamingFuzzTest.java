package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The pieces add up to the text of all tokens, for every tokenizer, byte sequence and cut into
 * slices.
 */
class StreamingFuzzTest {
  private static final int ROUNDS = 1500;
  private static final int VOCABULARY = 300;

  /** What llama.json and metaspace.json number the byte 0. */
  private static final int FIRST_BYTE = 3;

  static List<Path> files() {
    return TokenizerFiles.all();
  }

  @ParameterizedTest
  @MethodSource("files")
  void randomTokensInRandomSlices(Path file) {
    try (JsonTokenizer tokenizer = JsonTokenizer.open(file, VOCABULARY, false)) {
      for (int seed = 0; seed < ROUNDS; seed++) {
        SplittableRandom random = new SplittableRandom(seed);
        assertAddsUp(tokenizer, tokens(random, tokenizer), random, file + ", seed " + seed);
      }
    }
  }

  @Test
  void randomBytesInRandomSlices() {
    Tokenizer bytes = new ByteTokenizer(256);
    for (int seed = 0; seed < ROUNDS; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      assertAddsUp(bytes, tokens(random, bytes), random, "seed " + seed);
    }
  }

  /** Texts, bytes of texts cut anywhere, tokens without text, and any tokens. */
  private static int[] tokens(SplittableRandom random, Tokenizer tokenizer) {
    int[] tokens = new int[0];
    int parts = 1 + random.nextInt(12);
    for (int i = 0; i < parts; i++) {
      int[] part =
          switch (random.nextInt(5)) {
            case 0 -> tokenizer.encode(text(random));
            case 1 -> bytes(random, tokenizer);
            case 2 -> special(random, tokenizer);
            case 3 -> new int[] {random.nextInt(VOCABULARY)};
            default -> random.ints(random.nextInt(6), 0, VOCABULARY).toArray();
          };
      int length = tokens.length;
      tokens = Arrays.copyOf(tokens, length + part.length);
      System.arraycopy(part, 0, tokens, length, part.length);
    }
    return tokens;
  }

  private static String text(SplittableRandom random) {
    List<String> parts = List.of("hello", " w", " ", "é", "€", "😀", "\uFFFD", "日", "world.", "a");
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(5); i >= 0; i--) {
      text.append(parts.get(random.nextInt(parts.size())));
    }
    return text.toString();
  }

  private static int[] bytes(SplittableRandom random, Tokenizer tokenizer) {
    byte[] utf8 = text(random).getBytes(StandardCharsets.UTF_8);
    int shift = tokenizer.decode(new int[] {FIRST_BYTE + 'a'}).equals("a") ? FIRST_BYTE : 0;
    int begin = random.nextInt(utf8.length);
    int end = begin + random.nextInt(utf8.length - begin + 1);
    int[] tokens = new int[end - begin];
    for (int i = begin; i < end; i++) {
      tokens[i - begin] = shift + Byte.toUnsignedInt(utf8[i]);
    }
    return tokens;
  }

  private static int[] special(SplittableRandom random, Tokenizer tokenizer) {
    int[] special = tokenizer.specialTokens().values().stream().mapToInt(id -> id).toArray();
    int[] tokens = new int[random.nextInt(6) == 0 ? 40 : random.nextInt(4)];
    for (int i = 0; i < tokens.length && special.length > 0; i++) {
      tokens[i] = special[random.nextInt(special.length)];
    }
    return special.length > 0 ? tokens : new int[0];
  }

  /** Each slice gives what its tokens add to the text; flushing gives what is unfinished, too. */
  static void assertAddsUp(
      Tokenizer tokenizer, int[] tokens, SplittableRandom random, String what) {
    int begin = 0;
    String before = "";
    while (begin < tokens.length) {
      int end =
          random.nextInt(3) == 0
              ? tokens.length
              : begin + random.nextInt(tokens.length - begin) + 1;
      StreamingDecoder decoder = new StreamingDecoder(tokenizer, Arrays.copyOf(tokens, begin));
      StringBuilder pieces = new StringBuilder();
      for (int i = begin; i < end; i++) {
        pieces.append(decoder.accept(tokens[i]));
      }
      pieces.append(decoder.flush());
      String all = tokenizer.decode(Arrays.copyOf(tokens, end));
      assertThat(pieces.toString())
          .as("%s: %s, slice %d..%d", what, Arrays.toString(tokens), begin, end)
          .isEqualTo(all.substring(common(before, all)));
      before = all;
      begin = end;
    }
  }

  /** A character that was unfinished, and shown as U+FFFD, follows whole. */
  private static int common(String before, String all) {
    int at = 0;
    while (at < before.length() && at < all.length() && before.charAt(at) == all.charAt(at)) {
      at++;
    }
    assertThat(before.substring(at)).matches("\uFFFD{0,3}");
    return at;
  }
}
