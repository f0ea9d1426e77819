package org.retention4j.train.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Tokenizer;

/** Files to tokens. */
class TrainingTextTest {
  private static final Tokenizer BYTES = new ByteTokenizer(256);

  @TempDir private Path folder;

  @Test
  void filesOfAFolderComeByTheirNames() throws IOException {
    write("b.txt", "second\n");
    write("a/z.txt", "first\n");
    write(".hidden", "not this");
    TextFiles files = TextFiles.read(folder);
    assertThat(files.names()).containsExactly(folder.resolve("a/z.txt"), folder.resolve("b.txt"));
    TokenText text = TokenText.of(files, Documents.FILES, BYTES);
    assertThat(text(text)).isEqualTo("first\nsecond\n");
    assertThat(text.documents()).isEqualTo(2);
    assertThat(text.start(1)).isEqualTo(6);
    assertThat(text.bytesPerToken()).isEqualTo(1);
  }

  @Test
  void bytesStayAsTheyAre() throws IOException {
    byte[] odd = {0, (byte) 0xff, (byte) 0xc3, 65, '\r', '\n'};
    Files.write(folder.resolve("odd"), odd);
    TokenText text = TokenText.of(TextFiles.read(folder.resolve("odd")), Documents.FILES, BYTES);
    assertThat(text.tokens(0, text.count())).containsExactly(0, 255, 195, 65, 13, 10);
  }

  @Test
  void documentsAreLinesOrEndAtBlankLines() {
    String text = "\n\none\ntwo\n\n \nthree\n\nfour";
    assertThat(documents(Documents.FILES, text)).containsExactly(text);
    assertThat(documents(Documents.BLANK_LINES, text))
        .containsExactly("one\ntwo\n\n \n", "three\n\n", "four");
    assertThat(documents(Documents.LINES, text))
        .containsExactly("one\n", "two\n", "three\n", "four");
    assertThat(documents(Documents.LINES, "a\r\n\r\nb\r\n")).containsExactly("a\r\n", "b\r\n");
    assertThat(documents(Documents.BLANK_LINES, " \n\n")).isEmpty();
    assertThat(documents(Documents.FILES, "")).isEmpty();
  }

  @Test
  void theLastShareIsHeldOutFromALineOn() throws IOException {
    Path file = write("text", "0123456\n".repeat(100));
    TrainingText text = TrainingText.read(file, 0.05, Documents.FILES, BYTES);
    // 40 of 800 bytes; the line that begins before byte 760 is whole.
    assertThat(text.learnt().count()).isEqualTo(760);
    assertThat(text.heldOut().count()).isEqualTo(40);
    assertThat(text(text.heldOut())).startsWith("0123456\n");
    TrainingText odd = TrainingText.read(file, 0.012, Documents.FILES, BYTES);
    assertThat(odd.heldOut().count()).isEqualTo(16);
    assertThat(TrainingText.read(file, 0, Documents.FILES, BYTES).heldOut().count()).isZero();
  }

  @Test
  void aCharacterIsNotCut() throws IOException {
    Path file = write("text", "\u20ac".repeat(100));
    TrainingText text = TrainingText.read(file, 0.046, Documents.FILES, BYTES);
    assertThat(text.learnt().count()).isEqualTo(285);
    assertThat(text.learnt().count() + text.heldOut().count()).isEqualTo(300);
  }

  @Test
  void whatIsReadHasOneSum() throws IOException {
    Path file = write("text", "some text\n".repeat(10));
    Path other = write("other", "some more text\n");
    String sum = TrainingText.read(file, 0.1, Documents.FILES, BYTES).sha256();
    assertThat(sum).matches("[0-9a-f]{64}");
    assertThat(TrainingText.read(file, 0.5, Documents.LINES, BYTES).sha256()).isEqualTo(sum);
    assertThat(TrainingText.read(file, other, Documents.FILES, BYTES).sha256()).isNotEqualTo(sum);
    write("text", "some texT\n".repeat(10));
    assertThat(TrainingText.read(file, 0.1, Documents.FILES, BYTES).sha256()).isNotEqualTo(sum);
  }

  @Test
  void whatIsNoTextIsNamed() throws IOException {
    Path empty = write("empty", "");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TextFiles.read(empty))
        .withMessage("expected text in %s, got an empty file", empty);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TextFiles.read(folder.resolve("none")))
        .withMessage("expected a file or a folder of text at %s, got none", folder.resolve("none"));
    Path bare = Files.createDirectory(folder.resolve("bare"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TextFiles.read(bare))
        .withMessage("expected text in %s, got a folder without files", bare);
    Path one = write("one", "x");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainingText.read(one, 0, Documents.FILES, BYTES))
        .withMessageContaining("expected a text of at least 2 tokens to learn from")
        .withMessageEndingWith("got 1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainingText.read(one, 1, Documents.FILES, BYTES))
        .withMessage("expected a held-out share in 0..1, below 1, got 1.0");
  }

  @Test
  void tokensOutsideTheVocabularyAreRefused() throws IOException {
    Path file = write("text", "abcdefghij".repeat(3));
    TrainingText text = TrainingText.read(file, 0.1, Documents.FILES, BYTES);
    text.requireVocabulary(107);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> text.requireVocabulary(106))
        .withMessage("expected tokens below the model's vocabulary 106, got 106");
  }

  /** A tokenizer that reads 10 characters at once gives what one that reads all gives. */
  @Test
  void longDocumentsAreReadInPieces() throws IOException {
    Path file =
        write("text", "words and w\u00f6rds, averyverylongwordindeed\nand a line\n".repeat(3));
    TokenText text = TokenText.of(TextFiles.read(file), Documents.FILES, new Tens());
    assertThat(text.tokens(0, text.count()))
        .containsExactly(Files.readString(file).chars().toArray());
    assertThat(text.bytes()).isEqualTo(Files.size(file));
    Files.write(file, new byte[] {65, (byte) 0xff});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TokenText.of(TextFiles.read(file), Documents.FILES, new Tens()))
        .withMessage("expected UTF-8 in %s, got other bytes", file);
  }

  /** A token for each char, at most ten at once. */
  private static final class Tens implements Tokenizer {
    @Override
    public int[] encode(String text) {
      assertThat(text).hasSizeBetween(1, 10);
      return text.chars().toArray();
    }

    @Override
    public String decode(int[] tokens) {
      return new String(tokens, 0, tokens.length);
    }

    @Override
    public int longestText() {
      return 10;
    }

    @Override
    public int vocabulary() {
      return 1 << 16;
    }
  }

  private static List<String> documents(Documents rule, String text) {
    return rule.of(text.getBytes(UTF_8)).stream().map(bytes -> new String(bytes, UTF_8)).toList();
  }

  private static String text(TokenText text) {
    return BYTES.decode(text.tokens(0, text.count()));
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }
}
