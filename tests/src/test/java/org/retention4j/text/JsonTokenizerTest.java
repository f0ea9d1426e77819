package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTokenizerTest {
  @TempDir Path folder;

  @Test
  void byteLevel() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.byteLevel(), 300)) {
      assertThat(t.vocabulary()).isEqualTo(300);
      assertThat(t.encode("hello")).containsExactly(259);
      assertThat(t.encode("hello w")).containsExactly(259, 260);
      assertThat(t.encode("é")).containsExactly(0xC3, 0xA9);
      assertThat(t.encode("😀")).containsExactly(0xF0, 0x9F, 0x98, 0x80);
      assertThat(t.encode("a\0b")).containsExactly('a', 0, 'b');
      assertThat(t.encode("")).isEmpty();
      assertThat(t.encode("<|end|>")).containsExactly(261);
      assertThat(t.decode(new int[] {259, 260, 0xC3, 0xA9})).isEqualTo("hello wé");
      assertThat(t.decode(new int[] {0xF0, 0x9F, 0x98, 0x80, 0})).isEqualTo("😀\0");
      assertThat(t.decode(new int[0])).isEmpty();
    }
  }

  @Test
  void leavesOutTruncationAndPadding() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.byteLevel(), 300)) {
      assertThat(t.encode("abc")).containsExactly('a', 'b', 'c');
      assertThat(t.encode("abcdef")).containsExactly('a', 'b', 'c', 'd', 'e', 'f');
    }
  }

  @Test
  void malformedAndUnknown() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.byteLevel(), 300)) {
      assertThat(t.decode(new int[] {'a', 0xFF, 'b'})).isEqualTo("a\uFFFDb");
      assertThat(t.decode(new int[] {'a', 261, 299, 'b'})).isEqualTo("ab");
      // U+FFFD in UTF-8.
      assertThat(t.encode("\uD83D")).containsExactly(0xEF, 0xBF, 0xBD);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> t.decode(new int[] {-1}))
          .withMessageContaining("-1");
    }
  }

  @Test
  void metaspaceWithByteFallback() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268)) {
      assertThat(t.encode("hi yo")).containsExactly(1, 263, 267);
      assertThat(t.encode("hiyo")).containsExactly(1, 263, 266);
      assertThat(t.encode("hi😀")).containsExactly(1, 263, 3 + 0xF0, 3 + 0x9F, 3 + 0x98, 3 + 0x80);
      assertThat(t.decode(new int[] {1, 263, 267, 2})).isEqualTo("hi yo");
      assertThat(t.decode(new int[] {267})).isEqualTo("yo");
    }
  }

  /** A byte that is no text takes nothing back of the run it comes in. */
  @Test
  void bytesThatAreNoTextBecomeOneReplacementEach() {
    int[] first = {3 + 0xE2, 3 + 0x82, 3 + 0xAC};
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268)) {
      assertThat(t.decode(new int[] {first[0], first[1], first[2], 3 + 0xFF, 260}))
          .isEqualTo("€\uFFFDh");
      assertThat(t.decode(new int[] {3 + 0xF0, 3 + 0x9F, 3 + 0x98})).isEqualTo("\uFFFD".repeat(3));
      // Special tokens and unknown ones do not part a run.
      assertThat(t.decode(new int[] {first[0], 2, first[1], 299, first[2]})).isEqualTo("€");
      // Too long, a surrogate, beyond Unicode.
      assertThat(t.decode(new int[] {3 + 0xC0, 3 + 0x80})).isEqualTo("\uFFFD\uFFFD");
      assertThat(t.decode(new int[] {3 + 0xE0, 3 + 0x9F, 3 + 0x80})).isEqualTo("\uFFFD".repeat(3));
      assertThat(t.decode(new int[] {3 + 0xED, 3 + 0xA0, 3 + 0x80})).isEqualTo("\uFFFD".repeat(3));
      assertThat(t.decode(new int[] {3 + 0xF4, 3 + 0x90, 3 + 0x80, 3 + 0x80}))
          .isEqualTo("\uFFFD".repeat(4));
      assertThat(t.decode(new int[] {3 + 0xF4, 3 + 0x8F, 3 + 0xBF, 3 + 0xBF}))
          .isEqualTo(Character.toString(0x10FFFF));
    }
  }

  @Test
  void namesItsSpecialTokens() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268)) {
      assertThat(t.specialTokens())
          .containsOnly(entry("<unk>", 0), entry("<s>", 1), entry("</s>", 2));
    }
    assertThat(new ByteTokenizer(256).specialTokens()).isEmpty();
  }

  @Test
  void specialTokensAreAnOption() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268, false)) {
      assertThat(t.encode("hi yo")).containsExactly(263, 267);
    }
  }

  @Test
  void refusesTokensTheModelDoesNotHave() {
    try (JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 267)) {
      assertThat(t.encode("hi")).containsExactly(1, 263);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> t.encode("hi yo"))
          .withMessageContainingAll("267", "metaspace.json");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(TokenizerFiles.metaspace(), 0))
        .withMessageContaining("vocabulary >= 1, got 0");
  }

  @Test
  void closes() {
    JsonTokenizer t = JsonTokenizer.open(TokenizerFiles.metaspace(), 268);
    t.close();
    t.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> t.encode("hi"))
        .withMessageContaining("json");
    assertThatIllegalStateException().isThrownBy(() -> t.decode(new int[] {1}));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  \n", "{}", "no json", "[1,2]", "{\"version\":\"1.0\",\"model\":{"})
  void namesAFileThatIsNoTokenizer(String content) throws IOException {
    Path file = Files.writeString(folder.resolve("broken.json"), content);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(file, 10))
        .withMessageContaining(file.toString());
  }

  @Test
  void namesAFileThatIsMissingNoFileOrNotUtf8() throws IOException {
    Path missing = folder.resolve("missing.json");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(missing, 10))
        .withMessageContaining(missing.toString());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(folder, 10))
        .withMessageContaining(folder.toString());
    Path latin =
        Files.write(folder.resolve("latin.json"), "\"é\"".getBytes(StandardCharsets.ISO_8859_1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonTokenizer.open(latin, 10))
        .withMessageContaining(latin.toString());
  }

  /** What people have in its place is called what it is. */
  @Test
  void namesWhatIsThereInstead() throws IOException {
    Path file = folder.resolve("tokenizer.json");
    Map<String, String> kinds =
        Map.of(
            "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 42\n",
            "Git LFS",
            "<!DOCTYPE html><title>404</title>",
            "web page",
            "\u001f\u008b\b\0\0",
            "compressed",
            "\0".repeat(64),
            "zeros",
            "\n\u000e\n\u0005<unk>\u0015\0",
            "SentencePiece");
    for (Map.Entry<String, String> kind : kinds.entrySet()) {
      Files.write(file, kind.getKey().getBytes(StandardCharsets.ISO_8859_1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> JsonTokenizer.open(file, 300))
          .withMessageContainingAll(kind.getValue(), file.toString());
    }
  }

  @Test
  void knowsThePlatforms() {
    assertThat(NativeTokenizers.resource("linux-x86_64"))
        .isEqualTo("linux-x86_64/cpu/libtokenizers.so");
    assertThatThrownBy(() -> NativeTokenizers.resource("windows-x86"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("windows-x86");
  }

  @Test
  void findsTheTokenizerOfAFolder() throws IOException {
    try (Tokenizer bytes = Tokenizers.forFolder(folder, 256)) {
      assertThat(bytes).isInstanceOf(ByteTokenizer.class);
      assertThat(bytes.vocabulary()).isEqualTo(256);
    }
    Path sentencePiece = Files.write(folder.resolve("tokenizer.model"), new byte[] {1});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tokenizers.forFolder(folder, 256))
        .withMessageContainingAll(sentencePiece.toString(), "tokenizer.json", "SentencePiece");
    Files.copy(TokenizerFiles.metaspace(), folder.resolve("tokenizer.json"));
    try (Tokenizer json = Tokenizers.forFolder(folder, 268)) {
      assertThat(json.encode("hi yo")).containsExactly(1, 263, 267);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tokenizers.forFolder(folder.resolve("nowhere"), 256))
        .withMessageContaining("nowhere");
  }
}
