package org.retention4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.forms.Npy;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.text.Tokenizer;

/** What a checkpoint's folder says about texts: tokenizer, begin and end. */
class CheckpointTextTest {
  /** Words, and no token for what is none of them. */
  private static final String WORDS =
      "{'version':'1.0','truncation':null,'padding':null,'added_tokens':[],'normalizer':null,"
          + "'pre_tokenizer':{'type':'Whitespace'},'post_processor':null,'decoder':null,'model':"
          + "{'type':'WordLevel','vocab':{'one':5,'two':6},'unk_token':'[UNK]'}}";

  @TempDir private Path folder;

  @BeforeEach
  void copyGolden() throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Npy.path("/golden/model/fla-f32/" + name), folder.resolve(name));
    }
  }

  private void tokenizer() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), WORDS.replace('\'', '"'));
  }

  private Checkpoint with(String key, String value) throws IOException {
    Path file = folder.resolve("config.json");
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    if (value.equals("absent")) {
      json.remove(key);
    } else {
      json.set(key, mapper.readTree(value));
    }
    Files.writeString(file, json.toString());
    return Checkpoint.open(folder);
  }

  @Test
  void optionsLeaveNothingOut() {
    refuses(() -> GenerationOptions.of(null), "a checkpoint, got null");
    GenerationOptions options = GenerationOptions.DEFAULT;
    refuses(() -> options.withSampling(null), "sampling options, got null");
    refuses(() -> options.withStopTokens(null), "stop tokens, got null");
    refuses(() -> options.withStopStrings(null), "stop strings, got null");
  }

  private static void refuses(ThrowingCallable code, String said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContaining(said);
  }

  /** 97 tokens; fla's default is 2. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "7 | 7",
        "[7,9] | 7 9",
        "[96,97,-1] | 96",
        "97 | ''",
        "null | ''",
        "absent | 2",
        "7.0 | 7",
        "[] | ''"
      })
  void textsEndAtTheTokensOfTheConfiguration(String value, String expected) throws IOException {
    tokenizer();
    GenerationOptions options = GenerationOptions.of(with("eos_token_id", value));
    assertThat(options.stopTokens().stream().sorted().map(String::valueOf))
        .containsExactlyElementsOf(
            expected.isEmpty() ? java.util.List.of() : java.util.List.of(expected.split(" ")));
    assertThat(options.withStopTokens(java.util.Set.of())).isEqualTo(GenerationOptions.DEFAULT);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"7\"", "7.5", "true", "{}", "[7,\"9\"]", "[[7]]"})
  void anEndThatIsNoTokenIsRefused(String value) throws IOException {
    tokenizer();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> with("eos_token_id", value))
        .withMessageContainingAll("eos_token_id", "config.json");
  }

  @Test
  void textsBeginWithOneToken() throws IOException {
    assertThat(with("bos_token_id", "[7]").beginToken()).hasValue(7);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> with("bos_token_id", "[7,9]"))
        .withMessageContainingAll("one token", "bos_token_id", "[7, 9]");
  }

  /** As in a cache of the hub whose blobs are gone; or what would be waited for. */
  @Test
  void generationSettingsThatCannotBeReadAreNoMissingOnes() throws IOException {
    Path file = folder.resolve("generation_config.json");
    Files.createSymbolicLink(file, folder.resolve("gone"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationOptions.of(Checkpoint.open(folder)))
        .withMessageContaining(file.toString());
    Files.delete(file);
    Files.createDirectory(file);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationOptions.of(Checkpoint.open(folder)))
        .withMessageContainingAll("expected a file", file.toString());
  }

  /** Byte 7 is a character. */
  @Test
  void bytesDoNotEndATextBeforeItIsDone() throws IOException {
    assertThat(GenerationOptions.of(with("eos_token_id", "7")).stopTokens()).isEmpty();
  }

  @Test
  void aCheckpointsTokenizer() throws IOException {
    try (Tokenizer bytes = Checkpoint.open(folder).tokenizer()) {
      assertThat(bytes.encode("!")).containsExactly('!');
      assertThat(bytes.vocabulary()).isEqualTo(97);
    }
    tokenizer();
    try (Tokenizer words = Checkpoint.open(folder).tokenizer()) {
      assertThat(words.encode("two one")).containsExactly(6, 5);
      assertThat(words.vocabulary()).isEqualTo(97);
    }
  }

  /** The native library's own failure is bad input, not a fault of this program. */
  @Test
  void aTextThatATokenizerCannotEncodeIsBadInput() throws IOException {
    tokenizer();
    try (Tokenizer words = Checkpoint.open(folder).tokenizer()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> words.encode("one three"))
          .withMessageContainingAll("can encode", "tokenizer.json", "[UNK]");
      assertThat(words.encode("one")).containsExactly(5);
    }
  }

  @Test
  void headsThatDoNotDivideTheWidthAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AttentionConfig.multiHead(100, 6))
        .withMessageContaining("heads to divide modelWidth = 100, got 6");
    assertThatIllegalArgumentException().isThrownBy(() -> AttentionConfig.multiHead(100, 0));
    assertThat(AttentionConfig.multiHead(100, 5).headWidth()).isEqualTo(20);
  }
}
