package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.text.Tokenizer;

/** The tokens that begin and end a text, as configurations name them or leave them out. */
class TextTokensTest {
  private static final String FLA = "'model_type':'retnet'";

  private static final String TORCHSCALE =
      "'decoder_embed_dim':64,'decoder_value_embed_dim':96,'decoder_retention_heads':4,"
          + "'decoder_ffn_embed_dim':80,'decoder_layers':3,'vocab_size':70";

  @TempDir private Path folder;

  private Checkpoint open(String keys) throws IOException {
    Files.writeString(folder.resolve("config.json"), ("{" + keys + "}").replace('\'', '"'));
    return Checkpoint.open(folder);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'bos_token_id':5,'eos_token_id':6 | 5 | 6",
        "'bos_token_id':[7],'eos_token_id':[9,2] | 7 | 9 2",
        "'bos_token_id':null,'eos_token_id':null | -1 | ''",
        "'bos_token_id':[],'eos_token_id':[] | -1 | ''",
        "'bos_token_id':0,'eos_token_id':31999 | 0 | 31999",
        "'bos_token_id':-1,'eos_token_id':32000 | -1 | ''",
        "'bos_token_id':4.0,'eos_token_id':1e0 | 4 | 1",
        "'pad_token_id':3 | 1 | 2"
      })
  void namesTheTokensThatBeginAndEnd(String keys, int begin, String ends) throws IOException {
    Checkpoint checkpoint = open(FLA + "," + keys);
    assertThat(checkpoint.beginToken()).isEqualTo(token(begin));
    assertThat(checkpoint.endTokens())
        .containsExactlyElementsOf(
            Stream.of(ends.split(" "))
                .filter(end -> !end.isEmpty())
                .map(Integer::valueOf)
                .toList());
  }

  private static OptionalInt token(int id) {
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"'6'", "1.5", "true", "{}", "[1,'6']", "NaN", "-Infinity"})
  void refusesWhatIsNoToken(String value) throws IOException {
    for (String key : List.of("bos_token_id", "eos_token_id")) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> open(FLA + ",'" + key + "':" + value))
          .withMessageContainingAll("a token", key, "config.json");
    }
  }

  private Checkpoint open(String keys, String generation) throws IOException {
    Files.writeString(folder.resolve("generation_config.json"), generation.replace('\'', '"'));
    return open(keys);
  }

  /** As in transformers: what stands in generation_config.json takes the other's place. */
  @Test
  void generationConfigReplacesTheConfiguration() throws IOException {
    String keys = FLA + ",'bos_token_id':5,'eos_token_id':6";
    Checkpoint both = open(keys, "{'bos_token_id':7,'eos_token_id':[8,9]}");
    assertThat(both.beginToken()).hasValue(7);
    assertThat(both.endTokens()).containsExactly(8, 9);
    Checkpoint neither = open(keys, "{'eos_token_id':null}");
    assertThat(neither.beginToken()).hasValue(5);
    assertThat(neither.endTokens()).containsExactly(6);
    assertThat(open(TORCHSCALE, "{'eos_token_id':3}").endTokens()).containsExactly(3);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(keys, "{'eos_token_id':'8'}"))
        .withMessageContainingAll("eos_token_id", "generation_config.json");
    for (String broken : new String[] {"[]", "{", ""}) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> open(keys, broken))
          .withMessageContaining("generation_config.json");
    }
  }

  @Test
  void aGenerationConfigThatIsNoFileIsNamed() throws IOException {
    Path file = folder.resolve("generation_config.json");
    Files.createDirectory(file);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(FLA))
        .withMessageContaining("a folder, a pipe or a device, at " + file);
    Files.delete(file);
    Files.createSymbolicLink(file, Path.of("../blobs/0123"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(FLA))
        .withMessageContaining(file + ": there is no such file");
  }

  /** Bytes where the folder has no tokenizer, as many as the model has tokens. */
  @Test
  void theTokenizerIsTheFolders() throws IOException {
    try (Tokenizer tokenizer = open(FLA + ",'vocab_size':300").tokenizer()) {
      assertThat(tokenizer.vocabulary()).isEqualTo(300);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "'_from_model_config':true,'transformers_version':'4.40','pad_token_id':0,'use_cache':true|",
        "'do_sample':false,'temperature':0.6,'top_p':0.9,'top_k':50|",
        "'repetition_penalty':1.0,'num_beams':1,'bad_words_ids':[],'forced_eos_token_id':null|",
        "'do_sample':true,'temperature':0.6,'top_p':1.0|do_sample true;temperature 0.6",
        "'repetition_penalty':1.1|repetition_penalty 1.1",
        "'num_beams':4,'early_stopping':true|num_beams 4;early_stopping true",
        "'suppress_tokens':[3,4]|suppress_tokens [3,4]",
        "'max_new_tokens':100,'my_own':'x'|max_new_tokens 100;my_own ~x~",
        "'eos_token_id':[2,99999]|eos_token_id 99999, no token of the vocabulary"
      })
  void whatIsNotFollowedIsSaid(String generation, String remarks) throws IOException {
    Checkpoint checkpoint = open(FLA, "{" + generation + "}");
    String said = String.join(";", checkpoint.generationRemarks()).replace('"', '~');
    assertThat(said).isEqualTo(remarks == null ? "" : remarks);
  }

  /** Without that file transformers reads config.json's, of which others keys are of no concern. */
  @Test
  void theConfigurationsOwnKeysOfGenerationAreSaidToo() throws IOException {
    Checkpoint checkpoint = open(FLA + ",'repetition_penalty':1.2,'min_length':0");
    assertThat(checkpoint.generationRemarks()).containsExactly("repetition_penalty 1.2");
    assertThat(open(FLA).generationRemarks()).isEmpty();
  }

  /** torchscale names none by default. */
  @Test
  void torchscaleNamesNoTokens() throws IOException {
    assertThat(open(TORCHSCALE).beginToken()).isEmpty();
    assertThat(open(TORCHSCALE).endTokens()).isEmpty();
    assertThat(open(TORCHSCALE + ",'eos_token_id':3").endTokens()).containsExactly(3);
  }
}
