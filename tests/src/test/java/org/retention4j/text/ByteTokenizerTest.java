package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ByteTokenizerTest {
  private final ByteTokenizer bytes = new ByteTokenizer(300);

  @Test
  void tokensAreBytes() {
    assertThat(bytes.vocabulary()).isEqualTo(300);
    assertThat(bytes.encode("aé€😀"))
        .containsExactly('a', 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80);
    assertThat(bytes.encode("")).isEmpty();
    assertThat(bytes.decode(new int[] {'a', 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80}))
        .isEqualTo("aé€😀");
    assertThat(bytes.decode(new int[0])).isEmpty();
  }

  @Test
  void whatIsNoTextBecomesTheReplacement() {
    assertThat(bytes.decode(new int[] {'a', 0x80, 'b', 0xFF})).isEqualTo("a\uFFFDb\uFFFD");
    assertThat(bytes.decode(new int[] {0xE2, 0x82, 'x'})).isEqualTo("\uFFFDx");
    // 256 would be byte 0 if its upper bits were cut off.
    assertThat(bytes.decode(new int[] {256, 'a', 299, 1000})).isEqualTo("\uFFFDa\uFFFD\uFFFD");
    assertThat(bytes.encode("x\uDE00y")).containsExactly('x', 0xEF, 0xBF, 0xBD, 'y');
    assertThat(bytes.encode("\uD83D\uD83D\uDE00"))
        .containsExactly(0xEF, 0xBF, 0xBD, 0xF0, 0x9F, 0x98, 0x80);
  }

  @Test
  void refusesBytesOutsideTheVocabulary() {
    ByteTokenizer ascii = new ByteTokenizer(128);
    assertThat(ascii.encode("\u007f")).containsExactly(127);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ascii.encode("aé"))
        .withMessage("expected bytes below the vocabulary 128, got byte 195");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bytes.decode(new int[] {-1}))
        .withMessage("expected tokens >= 0, got -1");
    assertThatIllegalArgumentException().isThrownBy(() -> new ByteTokenizer(0));
  }
}
