package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where tokenizer_config.json asks for tokens around a text that tokenizer.json does not add. */
class TokenizerConfigTest {
  private static final Logger LOGGER = Logger.getLogger(Tokenizers.class.getName());

  @TempDir private Path folder;

  private final List<LogRecord> records = new ArrayList<>();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          records.add(entry);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    LOGGER.addHandler(handler);
  }

  @AfterEach
  void stopListening() {
    LOGGER.removeHandler(handler);
  }

  private int[] tokens(Path tokenizer, String config, String text) throws IOException {
    Files.copy(tokenizer, folder.resolve("tokenizer.json"));
    Files.writeString(folder.resolve("tokenizer_config.json"), config.replace('\'', '"'));
    try (Tokenizer opened = Tokenizers.forFolder(folder, 300)) {
      return opened.encode(text);
    }
  }

  private static Path file(String name) {
    return TokenizerFiles.all().stream()
        .filter(file -> file.endsWith(name + ".json"))
        .findFirst()
        .orElseThrow();
  }

  /** metaspace begins with {@code <s>}, unigram ends with {@code </s>}, byte-level does neither. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "metaspace ; 'add_bos_token':false,'bos_token':'<s>' ; add_bos_token = false, which is <s>"
            + " ; begins a text with <s>:",
        "metaspace ; 'add_eos_token':true,'eos_token':{'content':'</s>','lstrip':false}"
            + " ; add_eos_token = true, which is </s> ; ends a text with nothing:",
        "metaspace ; 'add_bos_token':true,'bos_token':'<|begin|>'"
            + " ; add_bos_token = true, which is <|begin|> ; begins a text with <s>:",
        "metaspace ; 'add_bos_token':false ; add_bos_token = false, ; begins a text with <s>:",
        "byte-level ; 'add_bos_token':true,'bos_token':null ; add_bos_token = true, "
            + "; begins a text with nothing:",
        "unigram ; 'add_eos_token':false,'eos_token':'</s>' ; add_eos_token = false"
            + " ; ends a text with </s>:",
        "suffix ; 'add_bos_token':true,'bos_token':'<s>' ; add_bos_token = true"
            + " ; begins a text with <|start|>:",
        "split ; 'add_eos_token':true,'eos_token':'<|end|>' ; add_eos_token = true"
            + " ; ends a text with nothing:"
      })
  void aDifferenceIsSaid(String name, String config, String asked, String does) throws IOException {
    tokens(file(name), "{" + config + "}", "a");
    assertThat(records).extracting(LogRecord::getLevel).containsExactly(Level.WARNING);
    assertThat(records.get(0).getMessage())
        .contains(folder.resolve("tokenizer_config.json").toString(), asked, does)
        .endsWith("texts are tokenized as tokenizer.json says");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "metaspace ; 'add_bos_token':true,'add_eos_token':false,'bos_token':'<s>','eos_token':'</s>'",
        "metaspace ; 'add_bos_token':true,'bos_token':{'content':'<s>'}",
        "metaspace ; 'add_bos_token':null,'bos_token':'<s>'",
        "metaspace ; 'tokenizer_class':'LlamaTokenizer'",
        "byte-level ; 'add_bos_token':false,'add_eos_token':false",
        "suffix ; 'add_bos_token':true,'bos_token':'<|start|>','add_eos_token':true",
        // What begins a text is no begin token.
        "wordpiece ; 'add_bos_token':false,'bos_token':'<s>','cls_token':'[CLS]'"
      })
  void whatAgreesIsNotSaid(String name, String config) throws IOException {
    tokens(file(name), "{" + config + "}", "a");
    assertThat(records).isEmpty();
  }

  /** tokenizer.json counts, as before. */
  @Test
  void theTokensAreThoseOfTokenizerJson() throws IOException {
    String config = "{'add_bos_token':false,'add_eos_token':true,'bos_token':'<s>'}";
    assertThat(tokens(file("metaspace"), config, "hi yo")).containsExactly(1, 263, 267);
    assertThat(records).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "version https://git-lfs.github.com/spec/v1\n"})
  void aFileThatIsNoneIsSaid(String config) throws IOException {
    assertThat(tokens(file("metaspace"), config, "hi yo")).containsExactly(1, 263, 267);
    assertThat(records).hasSize(1);
    assertThat(records.get(0).getMessage())
        .contains(folder.resolve("tokenizer_config.json").toString(), "are not known");
  }
}
