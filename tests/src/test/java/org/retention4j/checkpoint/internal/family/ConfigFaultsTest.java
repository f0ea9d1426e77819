package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.forms.Npy;

/** Configurations that are wrong, or of something else: told by key and line, in words. */
class ConfigFaultsTest {
  @TempDir private Path folder;

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("config.json"), text.replace('\'', '"'));
  }

  private String refused(String text) throws IOException {
    write(text);
    CheckpointException refused =
        catchThrowableOfType(CheckpointException.class, () -> Checkpoint.open(folder));
    assertThat(refused).as(text).isNotNull();
    assertThat(refused.getMessage()).contains("config.json").hasLineCount(1);
    return refused.getMessage();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hidden_size",
        "num_hidden_layers",
        "num_heads",
        "vocab_size",
        "expand_k",
        "expand_v",
        "norm_eps",
        "hidden_act"
      })
  void nullIsRefusedWhereANumberMustStand(String key) throws IOException {
    assertThat(refused("{'model_type':'retnet','" + key + "':null}"))
        .contains("for " + key + " in", "got null");
  }

  @ParameterizedTest
  @CsvSource({"num_heads", "rope_theta"})
  void nullIsRefusedInAttentionToo(String key) throws IOException {
    String attn = "'layers':[0]" + (key.equals("num_heads") ? "" : ",'num_heads':2");
    assertThat(refused("{'model_type':'retnet','attn':{" + attn + ",'" + key + "':null}}"))
        .contains("for " + key + " in attn of", "got null");
  }

  /** A window of another name would be no window: another model, and nothing to be seen of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'window':3 | window = 3",
        "'sliding_window':512 | sliding_window = 512",
        "'rope_scaling':{'factor':2} | rope_scaling",
        "'qk_norm':true | qk_norm = true",
        "'num_head':4 | num_head = 4",
        "'Window_size':3 | Window_size = 3"
      })
  void keysThatAttentionDoesNotHaveAreNamed(String key, String got) throws IOException {
    String entry = "{'layers':[0],'num_heads':2," + key + "}";
    for (String attn : List.of(entry, "[{'layers':[1],'num_heads':2}," + entry + "]")) {
      assertThat(refused("{'model_type':'retnet','attn':" + attn + "}"))
          .contains(
              "no keys but layers, num_heads, num_kv_heads, qkv_bias, rope_theta, window_size")
          .contains("in attn of", "got " + got);
    }
    write(
        "{'model_type':'retnet','attn':{'layers':[0],'num_heads':2,'num_kv_heads':1,"
            + "'qkv_bias':true,'rope_theta':5e3,'window_size':9,'nothing':null}}");
    assertThat(Checkpoint.open(folder).config().layers().get(0).mixer())
        .extracting("window")
        .isEqualTo(9);
  }

  /** The first published port, of which fla's defaults would make another model. */
  @ParameterizedTest
  @CsvSource({
    "num_layers, 6, num_hidden_layers",
    "n_layer, 6, num_hidden_layers",
    "d_model, 64, hidden_size",
    "qk_dim, 64, expand_k",
    "v_dim, 128, expand_v",
    "ffn_proj_size, 128, intermediate_size",
    "num_attention_heads, 4, num_heads"
  })
  void keysOfAnotherRetNetAreNamed(String key, String value, String own) throws IOException {
    assertThat(refused("{'model_type':'retnet','" + key + "':" + value + "}"))
        .contains("fla's key " + own, key + " = " + value);
    assertThat(refused("{'model_type':'retnet','" + own + "':null,'" + key + "':" + value + "}"))
        .contains(own);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'use_bias_in_msr':true | use_bias_in_msr = true",
        "'use_default_gamma':false | use_default_gamma = false",
        "'quantization_config':{'bits':4} | quantization_config",
        "'decoder_layers':3 | expected the key decoder_embed_dim",
        "'decoder_embed_dim':null | for decoder_embed_dim in"
      })
  void keysThatMakeAnotherModelAreNamed(String key, String message) throws IOException {
    assertThat(refused("{'model_type':'retnet'," + key + "}")).contains(message);
  }

  /** As fla does, whose single entry cannot name a layer with two numbers of heads. */
  @Test
  void aLayerHasOneEntryOfAttention() throws IOException {
    String two = "{'model_type':'retnet','attn':[{'layers':[1],'num_heads':4},";
    assertThat(refused(two + "{'layers':[3,1],'num_heads':2}]}"))
        .contains("each layer in one entry of attn of", "got layer 1 in two");
    write(two + "{'layers':[3,3],'num_heads':2}]}");
    assertThat(Checkpoint.open(folder).config().layers().get(3).mixer())
        .extracting("heads")
        .isEqualTo(2);
  }

  @Test
  void aWidthThatIsNotWholeIsToldWithItsFactor() throws IOException {
    String start = "{'model_type':'retnet','hidden_size':64,'num_heads':4,'expand_k':";
    assertThat(refused(start + "0.33}"))
        .contains("hidden_size x expand_k", "num_heads = 4", "64 x 0.33, which is cut off to 21");
    assertThat(refused(start + "0.03125}")).contains("got 64 x 0.03125 = 2");
  }

  /** Python writes them, and reads them where nobody looks. */
  @ParameterizedTest
  @ValueSource(strings = {"'a':NaN", "'time_step_limit':[0.0,Infinity]", "'a':{'b':-Infinity}"})
  void numbersThatAreNoneAreNoMatterWhereNobodyReads(String entry) throws IOException {
    write("{'model_type':'retnet'," + entry + "}");
    assertThat(Checkpoint.open(folder).config().modelWidth()).isEqualTo(2048);
  }

  @ParameterizedTest
  @CsvSource({
    "norm_eps, NaN",
    "norm_eps, Infinity",
    "hidden_size, Infinity",
    "expand_k, -Infinity",
    "vocab_size, NaN",
    "bos_token_id, NaN",
    "eos_token_id, Infinity",
    "tie_word_embeddings, NaN",
    "feature_map, NaN"
  })
  void numbersThatAreNoneAreRefusedWhereTheyAreRead(String key, String value) throws IOException {
    assertThat(refused("{'model_type':'retnet','" + key + "':" + value + "}"))
        .contains("for " + key + " in", "got " + value);
  }

  /** The last number that is read, and the first that is not. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'num_hidden_layers':2147483647 | at most 10000 layers",
        "'num_hidden_layers':2147483648 | an integer for num_hidden_layers",
        "'num_hidden_layers':10001 | got num_hidden_layers = 10001",
        "'norm_eps':0 | a number > 0 for norm_eps",
        "'hidden_size':60,'attn':{'layers':[0],'num_heads':4} | divide 60 into even widths"
      })
  void rangesEndWhereTheyShould(String keys, String message) throws IOException {
    assertThat(refused("{'model_type':'retnet'," + keys + "}")).contains(message);
  }

  @Test
  void attentionNamesItsLayers() throws IOException {
    assertThat(refused("{'model_type':'retnet','attn':{'num_heads':2}}"))
        .contains("a list of layer numbers for layers in attn of")
        .endsWith(", got none");
  }

  @Test
  void asManyLayersAreReadAsAreAllowed() throws IOException {
    write("{'model_type':'retnet','num_hidden_layers':10000}");
    assertThat(Checkpoint.open(folder).config().layers()).hasSize(10_000);
  }

  @Test
  void aKeyThatStandsTwiceIsNamedOnce() throws IOException {
    assertThat(refused("{'a':1,\n'a':2}"))
        .contains("the key a twice in line 2")
        .doesNotContain("by the key");
  }

  @Test
  void headsOfTorchscaleHaveEvenWidths() throws IOException {
    String keys =
        "'decoder_embed_dim':60,'decoder_value_embed_dim':64,'decoder_retention_heads':4,"
            + "'decoder_ffn_embed_dim':8,'decoder_layers':1,'vocab_size':7";
    assertThat(refused("{" + keys + "}")).contains("decoder_embed_dim = 60 into even widths");
  }

  /** Ten million bytes, of which most are spaces here. */
  @Test
  void largeFilesAreReadUpToALimit() throws IOException {
    String json = "{'model_type':'retnet'}";
    write(json + " ".repeat(10_000_000 - json.length()));
    assertThat(Checkpoint.open(folder).family()).isEqualTo("fla");
    assertThat(refused(json + " ".repeat(10_000_001 - json.length())))
        .contains("at most 10000000 bytes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"'2'", "2.5", "true", "{'a':1}", "[1,'2']", "[[2]]"})
  void tokensThatAreNoneAreRefused(String value) throws IOException {
    for (String key : new String[] {"bos_token_id", "eos_token_id"}) {
      assertThat(refused("{'model_type':'retnet','" + key + "':" + value + "}"))
          .contains("a token, a list of tokens or null for " + key);
    }
  }

  /** Those that the vocabulary does not have end no text; -1 stands for none in some files. */
  @Test
  void tokensOutsideTheVocabularyAreNone() throws IOException {
    write("{'model_type':'retnet','vocab_size':10,'eos_token_id':[-1,3,10,99999999999]}");
    assertThat(Checkpoint.open(folder).endTokens()).containsExactly(3);
  }

  /** The NaN of a key that nobody reads is NaN in a copy, not a text. */
  @Test
  void aCopyKeepsNumbersThatAreNone() throws IOException {
    Path golden = Npy.path("/golden/model/fla-f32");
    Files.copy(golden.resolve("model.safetensors"), folder.resolve("model.safetensors"));
    String config = Files.readString(golden.resolve("config.json"));
    write(config.replaceFirst("\\{", "{'limits':[NaN,-Infinity,1e-06],"));
    Path copy = folder.resolve("copy");
    CheckpointWriter.convert(Checkpoint.open(folder), copy, WriteOptions.DEFAULT);
    assertThat(copy.resolve("config.json")).content().doesNotContain("\"NaN\"", "\"-Inf");
    JsonNode limits = Checkpoint.open(copy).json().get("limits");
    assertThat(limits.get(0).doubleValue()).isNaN();
    assertThat(limits.get(1).doubleValue()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(limits.get(2).doubleValue()).isEqualTo(1e-6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\\n// a comment\\n'a':1} | '/' in line 2, column 1",
        "{'a': 1,,\\n'b':2} | ',' in line 1, column 9, by the key a",
        "{'b':{'a':\\n tru}} | 'tru' in line 2, column 2, by the key a",
        "{'a': {'b':[1,2}} | '}' in line 1, column 16",
        "{'a':1,\\n'hidden_size': 64 | an end that comes too early, in line 2",
        "{'a':'abc | an end that comes too early, in line 1",
        "{'a':'x\\ny'} | a line's end, a tab or the like within a text, in line 1",
        "{'a':1,\\n'a':2} | the key a twice in line 2",
        "{'a':1}\\n{} | something behind the end of the JSON in line 2, column 1",
        "{'a': 01} | something else in line 1, column 8, by the key a",
        "{'a': '\\x'} | 'x' in line 1, column 9, by the key a",
        "{'a': +1} | '+' in line 1, column 8",
        "nonsense | 'nonsense' in line 1, column 1",
        "[1] | a JSON object",
        "'' | JSON object",
        " | an empty file",
        "\\n\\n | nothing but white space"
      })
  void jsonIsToldByLineAndKey(String text, String message) throws IOException {
    String json = text == null ? "" : text.replace("\\n", "\n");
    assertThat(refused(json))
        .contains(message)
        .doesNotContain("Feature", "enable", "Jackson", "Source", "jackson", "CTRL", "parser");
  }

  @Test
  void whatIsTooMuchIsToldWithoutAdviceToo() throws IOException {
    for (String value : new String[] {"[".repeat(2000), "1".repeat(2000)}) {
      assertThat(refused("{'a':" + value + "}"))
          .contains("too deep, or a number or a text too long")
          .doesNotContain("Stream", "maximum");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "version https://git-lfs.github.com/spec/v1, a Git LFS pointer",
    "<!DOCTYPE html><title>Sign in</title>, a web page (\"Sign in\")"
  })
  void whatIsNoConfigurationAtAllIsNamed(String text, String message) throws IOException {
    assertThat(refused(text)).contains(message);
  }

  /** A mark of UTF-8 is skipped, as it is in texts; other encodings are named. */
  @Test
  void aByteOrderMarkIsNoMatter() throws IOException {
    Path config = folder.resolve("config.json");
    String json = "{\"model_type\":\"retnet\",\"hidden_size\":64}";
    Files.writeString(config, "\uFEFF" + json);
    assertThat(Checkpoint.open(folder).config().modelWidth()).isEqualTo(64);
    for (String other : new String[] {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"}) {
      Files.write(config, json.getBytes(Charset.forName(other)));
      assertThatExceptionOfType(CheckpointException.class)
          .as(other)
          .isThrownBy(() -> Checkpoint.open(folder));
    }
    Files.write(config, json.getBytes(StandardCharsets.UTF_16));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder))
        .withMessageContaining("UTF-16");
    Files.write(config, new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'});
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder))
        .withMessageContaining("UTF-8");
  }
}
