package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tokens that begin and end a text, as configurations name them or leave them out. */
class TextTokensTest {
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
        "'bos_token_id':[7,8],'eos_token_id':[9,2] | 7 | 9 2",
        "'bos_token_id':null,'eos_token_id':null | -1 | ''",
        "'bos_token_id':[],'eos_token_id':[] | -1 | ''",
        "'bos_token_id':0,'eos_token_id':31999 | 0 | 31999",
        "'bos_token_id':-1,'eos_token_id':32000 | -1 | ''",
        "'bos_token_id':'x','eos_token_id':1.5 | -1 | ''",
        "'pad_token_id':3 | 1 | 2"
      })
  void namesTheTokensThatBeginAndEnd(String keys, int begin, String ends) throws IOException {
    Checkpoint checkpoint = open("'model_type':'retnet'," + keys);
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

  /** torchscale names none by default. */
  @Test
  void torchscaleNamesNoTokens() throws IOException {
    assertThat(open(TORCHSCALE).beginToken()).isEmpty();
    assertThat(open(TORCHSCALE).endTokens()).isEmpty();
    assertThat(open(TORCHSCALE + ",'eos_token_id':3").endTokens()).containsExactly(3);
  }
}
