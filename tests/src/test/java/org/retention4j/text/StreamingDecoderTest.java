package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class StreamingDecoderTest {
  private static final Tokenizer BYTES = new ByteTokenizer(256);
  private static final JsonTokenizer BYTE_LEVEL =
      JsonTokenizer.open(TokenizerFiles.byteLevel(), 300);
  private static final JsonTokenizer LLAMA = JsonTokenizer.open(TokenizerFiles.metaspace(), 268);

  @AfterAll
  static void close() {
    BYTE_LEVEL.close();
    LLAMA.close();
  }

  /** Returns the pieces, that of the flush last. */
  private static List<String> pieces(StreamingDecoder decoder, int... tokens) {
    List<String> pieces = new ArrayList<>();
    for (int token : tokens) {
      pieces.add(decoder.accept(token));
    }
    pieces.add(decoder.flush());
    return pieces;
  }

  private static List<String> pieces(Tokenizer tokenizer, int... tokens) {
    return pieces(new StreamingDecoder(tokenizer), tokens);
  }

  /** Returns the tokens that the Llama-like file has for the bytes of a text. */
  private static int[] fallback(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      tokens[i] = 3 + Byte.toUnsignedInt(bytes[i]);
    }
    return tokens;
  }

  @Test
  void holdsBackWhatIsNoWholeCharacter() {
    assertThat(pieces(BYTES, 'a', 0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x80, 'b'))
        .containsExactly("a", "", "é", "", "", "", "😀", "b", "");
    assertThat(pieces(BYTE_LEVEL, 259, 0xE2, 0x82, 0xAC, 260))
        .containsExactly("hello", "", "", "€", " w", "");
    assertThat(pieces(LLAMA, fallback("€€😀é")))
        .containsExactly("", "", "€", "", "", "€", "", "", "", "😀", "", "é", "");
  }

  @Test
  void leadingSpacesOfLlama() {
    assertThat(pieces(LLAMA, 1, 263, 267, 267, 266, 2))
        .containsExactly("", "hi", " yo", " yo", "yo", "", "");
    // Single spaces, of which the first of the text is dropped.
    assertThat(pieces(LLAMA, 259, 259, 260)).containsExactly("", " ", "h", "");
    assertThat(pieces(LLAMA, 263, 2, 2, 267)).containsExactly("hi", "", "", " yo", "");
  }

  @Test
  void goesOnAfterAPrompt() {
    assertThat(pieces(new StreamingDecoder(LLAMA, new int[] {1, 263}), 267, 266))
        .containsExactly(" yo", "yo", "");
    assertThat(pieces(new StreamingDecoder(LLAMA, new int[] {1}), 263)).containsExactly("hi", "");
    // Three bytes each: the last eight tokens of the prompt begin within a character.
    int[] prompt = fallback("€€€€");
    assertThat(pieces(new StreamingDecoder(LLAMA, prompt), fallback("€")))
        .containsExactly("", "", "€", "");
    assertThat(pieces(new StreamingDecoder(BYTES, BYTES.encode("ab😀")), 'c'))
        .containsExactly("c", "");
  }

  @Test
  void flushGivesOutWhatIsUnfinished() {
    assertThat(pieces(BYTES, 'a', 0xE2, 0x82)).containsExactly("a", "", "", "\uFFFD");
    StreamingDecoder d = new StreamingDecoder(BYTES);
    assertThat(d.flush()).isEmpty();
    d.accept(0xC3);
    assertThat(d.flush()).isEqualTo("\uFFFD");
    assertThat(d.flush()).isEmpty();
    assertThat(d.accept('x')).isEqualTo("x");
  }

  @Test
  void malformedBytesAreNotHeldForEver() {
    StreamingDecoder d = new StreamingDecoder(BYTES);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 1000; i++) {
      text.append(d.accept(0xFF));
      assertThat(text.length()).isGreaterThanOrEqualTo(i - 3);
    }
    text.append(d.accept('a'));
    assertThat(text.toString()).isEqualTo("\uFFFD".repeat(1000) + "a");
  }

  @Test
  void aLongTextWithoutAnyTextInIt() {
    StreamingDecoder d = new StreamingDecoder(LLAMA);
    assertThat(d.accept(263)).isEqualTo("hi");
    for (int i = 0; i < 1000; i++) {
      assertThat(d.accept(2)).isEmpty();
    }
    assertThat(d.accept(266)).isEqualTo("yo");
  }

  @Test
  void piecesAddUpToTheWhole() {
    SplittableRandom random = new SplittableRandom(4);
    for (int round = 0; round < 300; round++) {
      int[] tokens = random.ints(60, 0, 256).toArray();
      assertAddsUp(BYTES, tokens);
      assertAddsUp(BYTE_LEVEL, random.ints(60, 0, 262).toArray());
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 20; i++) {
        text.append(List.of("a", "é", "€", "😀", " ", "hi", " yo", "漢字").get(random.nextInt(8)));
      }
      for (Tokenizer t : List.of(BYTES, BYTE_LEVEL, LLAMA)) {
        assertAddsUp(t, t.encode(text.toString()));
      }
      // The pieces themselves are whole characters.
      for (String piece : pieces(BYTES, BYTES.encode(text.toString()))) {
        assertThat(Text.wellFormed(piece)).isEqualTo(piece).doesNotContain("\uFFFD");
      }
    }
  }

  private static void assertAddsUp(Tokenizer tokenizer, int[] tokens) {
    assertThat(String.join("", pieces(tokenizer, tokens))).isEqualTo(tokenizer.decode(tokens));
  }

  @Test
  void decodesFewTokensAtOnce() {
    int[] longest = {0};
    Tokenizer counting =
        new Tokenizer() {
          @Override
          public int[] encode(String text) {
            return BYTES.encode(text);
          }

          @Override
          public String decode(int[] tokens) {
            longest[0] = Math.max(longest[0], tokens.length);
            return BYTES.decode(tokens);
          }

          @Override
          public int vocabulary() {
            return 256;
          }
        };
    StreamingDecoder d = new StreamingDecoder(counting, new int[10_000]);
    for (int i = 0; i < 1000; i++) {
      d.accept('a');
    }
    // Eight of the prompt and the new one.
    assertThat(longest[0]).isLessThanOrEqualTo(9);
    for (int i = 0; i < 1000; i++) {
      d.accept(0x80);
    }
    assertThat(longest[0]).isLessThanOrEqualTo(32);
  }

  @Test
  void theBeginOfATextIsNotFoundAgainBehindTokensWithoutText() {
    StreamingDecoder d = new StreamingDecoder(LLAMA);
    assertThat(d.accept(263)).isEqualTo("hi");
    for (int i = 0; i < 1000; i++) {
      assertThat(d.accept(2)).isEmpty();
    }
    assertThat(d.accept(267)).isEqualTo(" yo");
    int[] prompt = new int[1000];
    Arrays.fill(prompt, 2);
    prompt[0] = 263;
    assertThat(pieces(new StreamingDecoder(LLAMA, prompt), 267)).containsExactly(" yo", "");
    assertThat(pieces(new StreamingDecoder(LLAMA, new int[] {2, 2, 2}), 267))
        .containsExactly("yo", "");
  }

  /** In slices, a character that a prompt begins comes whole, and what is U+FFFD stays. */
  @Test
  void aCharacterThatThePromptBeginsFollows() {
    for (int split = 1; split < 4; split++) {
      int[] bytes = fallback("😀");
      int[] prompt = Arrays.copyOf(bytes, split);
      StreamingDecoder d = new StreamingDecoder(LLAMA, prompt);
      int[] rest = Arrays.copyOfRange(bytes, split, 4);
      assertThat(String.join("", pieces(d, rest))).as("split at %d", split).isEqualTo("😀");
    }
    int[] literal = fallback("\uFFFD");
    assertThat(pieces(new StreamingDecoder(LLAMA, literal), 260)).containsExactly("h", "");
    assertThat(pieces(new StreamingDecoder(BYTES, new int[] {0xC3}), 'a')).containsExactly("a", "");
    assertThat(pieces(new StreamingDecoder(BYTES, new int[] {0xC3}), 0xA9))
        .containsExactly("é", "");
  }

  /** A tokenizer that takes a whole run of bytes back when one is no text loses no later letter. */
  @Test
  void textThatIsTakenBack() {
    Tokenizer taking = new TakingBack();
    int[] bytes = BYTES.encode("😀\uFFFD\uFFFD\uFFFDworld");
    String text = String.join("", pieces(new StreamingDecoder(taking), bytes));
    assertThat(text).startsWith("😀").endsWith("world").containsOnlyOnce("😀");
    SplittableRandom random = new SplittableRandom(6);
    for (int round = 0; round < 2000; round++) {
      StringBuilder letters = new StringBuilder();
      int[] tokens = new int[60];
      for (int i = 0; i < tokens.length; i++) {
        byte[] euro = "€😀é".getBytes(StandardCharsets.UTF_8);
        boolean letter = random.nextInt(4) == 0;
        tokens[i] = letter ? 'a' + random.nextInt(26) : euro[(i + round / 7) % euro.length] & 0xFF;
        if (letter) {
          letters.append((char) tokens[i]);
        }
      }
      int begin = random.nextInt(20);
      StreamingDecoder d = new StreamingDecoder(taking, Arrays.copyOf(tokens, begin));
      String after = String.join("", pieces(d, Arrays.copyOfRange(tokens, begin, tokens.length)));
      String before = letters(taking.decode(Arrays.copyOf(tokens, begin)));
      assertThat(before + letters(after)).as("round %d", round).isEqualTo(letters.toString());
    }
  }

  /** Bytes, of which those from 128 on are runs that are text as a whole or not at all. */
  private static final class TakingBack implements Tokenizer {
    @Override
    public int[] encode(String text) {
      return BYTES.encode(text);
    }

    @Override
    public String decode(int[] tokens) {
      StringBuilder text = new StringBuilder();
      int at = 0;
      while (at < tokens.length) {
        int end = at;
        while (end < tokens.length && tokens[end] >= 128) {
          end++;
        }
        byte[] run = new byte[end - at];
        for (int i = at; i < end; i++) {
          run[i - at] = (byte) tokens[i];
        }
        text.append(decoded(run));
        at = end;
        while (at < tokens.length && tokens[at] < 128) {
          text.append((char) tokens[at++]);
        }
      }
      return text.toString();
    }

    private static String decoded(byte[] run) {
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(run)).toString();
      } catch (CharacterCodingException e) {
        return "\uFFFD".repeat(run.length);
      }
    }

    @Override
    public int vocabulary() {
      return 256;
    }
  }

  private static String letters(String text) {
    return text.replaceAll("[^a-z]", "");
  }

  @Test
  void refusesNegativeTokensAndGoesOn() {
    StreamingDecoder d = new StreamingDecoder(BYTES);
    assertThatIllegalArgumentException().isThrownBy(() -> d.accept(-1));
    assertThat(d.accept('a')).isEqualTo("a");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StreamingDecoder(BYTES, new int[] {-1, 2}));
  }
}
