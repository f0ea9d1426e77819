package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Texts of any length come in pieces that lose nothing. */
class TextPiecesTest {
  private static List<String> pieces(byte[] bytes, int length) throws IOException {
    List<String> all = new ArrayList<>();
    TextPieces pieces = new TextPieces(new ByteArrayInputStream(bytes), length);
    for (String piece = pieces.next(); piece != null; piece = pieces.next()) {
      all.add(piece);
    }
    return all;
  }

  private static List<String> pieces(String text, int length) throws IOException {
    return pieces(text.getBytes(StandardCharsets.UTF_8), length);
  }

  @Test
  void cutsBeforeALineElseBeforeASpaceElseAnywhere() throws IOException {
    assertThat(pieces("one two\n\nthree four", 12)).containsExactly("one two\n\n", "three four");
    assertThat(pieces("one two three four", 10)).containsExactly("one two", " three", " four");
    assertThat(pieces("abcdefgh", 3)).containsExactly("abc", "def", "gh");
    assertThat(pieces("", 8)).isEmpty();
    assertThat(pieces("a\n", 8)).containsExactly("a\n");
  }

  @Test
  void losesNothingAtAnyLength() throws IOException {
    String text = "Zwölf 😀😀😀 Boxkämpfer\n  jagen\t\n\nViktor \uD83D\uDE00 quer".repeat(5);
    for (int length = 2; length < 60; length++) {
      List<String> pieces = pieces(text, length);
      assertThat(String.join("", pieces)).isEqualTo(text);
      for (String piece : pieces) {
        assertThat(piece.length()).isBetween(1, length);
        assertThat(Character.isLowSurrogate(piece.charAt(0))).isFalse();
      }
    }
  }

  /** At the beginning alone; elsewhere it is a letter that joins words. */
  @Test
  void leavesOutAByteOrderMark() throws IOException {
    for (int length = 2; length < 12; length++) {
      assertThat(String.join("", pieces("\uFEFFone two", length))).isEqualTo("one two");
      assertThat(String.join("", pieces("\uFEFF\uFEFFa\uFEFF", length))).isEqualTo("\uFEFFa\uFEFF");
      assertThat(pieces("\uFEFF", length)).isEmpty();
    }
    assertThat(pieces("\uFEFFabcdef", 3)).containsExactly("abc", "def");
  }

  @Test
  void refusesWhatIsNoUtf8AlsoAtTheEnd() {
    byte[] wrong = {'a', (byte) 0xff, 'b'};
    byte[] cut = {'a', (byte) 0xc3};
    for (byte[] bytes : List.of(wrong, cut)) {
      assertThatThrownBy(() -> pieces(bytes, 8)).isInstanceOf(CharacterCodingException.class);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TextPieces(InputStream.nullInputStream(), 1));
  }
}
