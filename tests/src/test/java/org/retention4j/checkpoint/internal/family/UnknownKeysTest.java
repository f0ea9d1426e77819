package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
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
import org.retention4j.checkpoint.Configuration;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.forms.Npy;

/** Keys that would make another model: refused by name, never dropped in silence. */
class UnknownKeysTest {
  private static final String FLA = "'model_type':'retnet','hidden_size':64,'num_heads':2";

  private static final String TORCHSCALE =
      "'decoder_embed_dim':64,'decoder_value_embed_dim':96,'decoder_retention_heads':4,"
          + "'decoder_ffn_embed_dim':80,'decoder_layers':3,'vocab_size':70";

  private static final LoadOptions IGNORE = LoadOptions.DEFAULT.withIgnoreUnknown(true);

  @TempDir private Path folder;

  private Path write(String keys) throws IOException {
    Path config = folder.resolve("config.json");
    return Files.writeString(config, ("{" + keys + "}").replace('\'', '"'));
  }

  private Checkpoint open(String keys, LoadOptions options) throws IOException {
    write(keys);
    return Checkpoint.open(folder, options);
  }

  private void refuses(String keys, LoadOptions options, String... message) {
    assertThatExceptionOfType(CheckpointException.class)
        .as(keys)
        .isThrownBy(() -> open(keys, options))
        .withMessageContaining(folder.resolve("config.json").toString())
        .withMessageContainingAll(message);
  }

  /** Named, whoever says that unknown keys do not matter: these are known. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'use_ffn_rms_norm':true | use_ffn_rms_norm = true | false",
        "'use_bias':true | use_bias = true | false",
        "'lm_head_bias':true | lm_head_bias = true | false",
        "'parallel_residual':true | parallel_residual = true | false",
        "'shared_attention_norm':true | shared_attention_norm = true | false",
        "'groupnorm_affine':true | groupnorm_affine = true | false",
        "'use_rms_norm':false | use_rms_norm = false | RMSNorm",
        "'hybrid_attention_layers':[1] | hybrid_attention_layers = [1] | null or []",
        "'num_rettention_heads':4 | num_rettention_heads = 4 | misspelt",
        "'rope_theta':50000 | rope_theta = 50000 | 10000",
        "'rotary_base':500 | rotary_base = 500 | 10000",
        "'rope_scaling':{'factor':2} | rope_scaling = {\"factor\":2} | null",
        "'logit_scale':0.0625 | logit_scale = 0.0625 | 1",
        "'logits_scaling':8 | logits_scaling = 8 | 1",
        "'rotary_percentage':0.5 | rotary_percentage = 0.5 | 1",
        "'final_logit_softcapping':30 | final_logit_softcapping = 30 | null",
        "'sliding_window':512 | sliding_window = 512 | no window",
        "'window_size':512 | window_size = 512 | no window"
      })
  void keysOfOtherCodeAreRefusedByName(String key, String got, String built) {
    for (String family : List.of(FLA, TORCHSCALE)) {
      refuses(family + "," + key, LoadOptions.DEFAULT, got, built);
      refuses(family + "," + key, IGNORE, got, built);
    }
  }

  /** The same keys where they say what is built, and null. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'use_ffn_rms_norm':false,'use_bias':false,'lm_head_bias':false,'parallel_residual':false",
        "'shared_attention_norm':false,'groupnorm_affine':false,'hybrid_attention_layers':[]",
        "'rope_theta':10000.0,'logit_scale':1.0,'rotary_percentage':1,'partial_rotary_factor':1.0",
        "'rope_theta':null,'logit_scale':null,'sliding_window':null,'rope_scaling':null",
        "'sliding_window':4096,'use_sliding_window':false",
        "'num_rettention_heads':null,'use_rms_norm':null,'use_lm_decay':false",
        "'num_retention_heads':null"
      })
  void keysThatSayWhatIsBuiltAreNoMatter(String keys) throws IOException {
    for (String family : List.of(FLA, TORCHSCALE)) {
      assertThat(open(family + "," + keys, LoadOptions.DEFAULT).config())
          .isEqualTo(open(family, LoadOptions.DEFAULT).config());
    }
  }

  /** What an attention layer of a hybrid has may stand at the top once more, nothing else. */
  @Test
  void attentionLayersMayBeMeant() throws IOException {
    String hybrid =
        FLA + ",'attn':{'layers':[1],'num_heads':2,'window_size':9,'rope_theta':5000.0}";
    assertThat(open(hybrid + ",'rope_theta':5000,'sliding_window':9", LoadOptions.DEFAULT).config())
        .isEqualTo(open(hybrid, LoadOptions.DEFAULT).config());
    refuses(hybrid + ",'rope_theta':5001", IGNORE, "rope_theta = 5001", "10000 or 5000");
    refuses(hybrid + ",'sliding_window':8", IGNORE, "sliding_window = 8", "9");
  }

  /** It sets torchscale's decays, see TorchscaleOptionsTest; fla's are of one kind. */
  @Test
  void lmDecayBelongsToTorchscale() throws IOException {
    refuses(FLA + ",'use_lm_decay':true", IGNORE, "use_lm_decay = true", "torchscale's format");
    assertThat(open(TORCHSCALE + ",'use_lm_decay':true", LoadOptions.DEFAULT).config())
        .isNotEqualTo(open(TORCHSCALE, LoadOptions.DEFAULT).config());
  }

  @ParameterizedTest
  @CsvSource({
    "num_layers, 8",
    "qk_dim, 64",
    "v_dim, 128",
    "ffn_proj_size, 96",
    "use_bias_in_msr, true",
    "use_bias_in_msr_out, true",
    "use_bias_in_mlp, true",
    "use_default_gamma, false"
  })
  void theOldFormatIsNamed(String key, String value) {
    if (key.startsWith("use_")) {
      refuses(TORCHSCALE + ",'" + key + "':" + value, IGNORE, key, "syncdoth's old RetNet format");
    }
    refuses(
        FLA + ",'" + key + "':" + value,
        LoadOptions.DEFAULT,
        key + " = " + value,
        "syncdoth's old RetNet format",
        "decoder_embed_dim");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "use_rms_norm | true",
        "use_something | true",
        "use_something | 1",
        "use_something | 0",
        "use_something | 'no'",
        "use_decay | false",
        "qk_norm | false",
        "Use_Something | {}",
        "qk_norm | true",
        "qkv_bias | true",
        "learned_decay | 'vector'",
        "query_scale | 0",
        "residual_scale | 1.5",
        "value_factor | 2"
      })
  void unknownKeysThatSoundLikeMathematicsAreRefused(String key, String value) throws IOException {
    for (String family : List.of(FLA, TORCHSCALE)) {
      String keys = family + ",'" + key + "':" + value;
      String shown = key + " = " + value.replace('\'', '"');
      refuses(keys, LoadOptions.DEFAULT, shown, "--ignore-unknown", "withIgnoreUnknown");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> Checkpoint.readConfig(write(keys)))
          .withMessageContaining(shown);
      Checkpoint read = open(keys, IGNORE);
      assertThat(read.config()).isEqualTo(open(family, LoadOptions.DEFAULT).config());
      assertThat(read.unknownKeys()).containsOnlyKeys(key);
    }
    Path given = write(FLA + ",'" + key + "':" + value);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Configuration.read(given));
    Configuration ignoring = Configuration.read(given, IGNORE);
    assertThat(ignoring.transformer().json().has(key)).isTrue();
  }

  @Test
  void allOfThemAreNamedAtOnce() {
    refuses(
        FLA + ",'use_a':true,'b_norm':'x','c':1",
        LoadOptions.DEFAULT,
        "got b_norm = \"x\", use_a = true;");
  }

  /** What says nothing, and what has another name, is listed only. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "'use_something':null",
        "'query_scale':null",
        "'something':true",
        "'normal':1",
        "'bias_init':0.1",
        "'reuse_of_x':true"
      })
  void otherUnknownKeysAreListedOnly(String entry) throws IOException {
    for (String family : List.of(FLA, TORCHSCALE)) {
      Checkpoint read = open(family + "," + entry, LoadOptions.DEFAULT);
      assertThat(read.unknownKeys()).containsOnlyKeys(entry.split("'")[1]);
      assertThat(read.config()).isEqualTo(open(family, LoadOptions.DEFAULT).config());
    }
  }

  /** The whole of what the hub's library and fla write. */
  @Test
  void keysOfLibrariesAreKnown() throws IOException {
    String both =
        ",'use_cache':true,'torch_dtype':'bfloat16','architectures':['x'],'dtype':'float32',"
            + "'transformers_version':'4.40','bos_token_id':1,'eos_token_id':2,'pad_token_id':0,"
            + "'initializer_range':0.02,'initializer_factor':1.0,'weight_decay':0.1,"
            + "'use_bfloat16':false,'max_position_embeddings':2048,'auto_map':{}";
    String fla =
        ",'fuse_norm':true,'fuse_cross_entropy':true,'fuse_swiglu':true,'use_l2warp':true,"
            + "'fuse_linear_cross_entropy':false,'attn_mode':'chunk','conv_size':4,"
            + "'use_short_conv':true,'use_output_gate':true,'elementwise_affine':true,"
            + "'expand_k':1.0,'expand_v':2.0,'hidden_ratio':2,'num_kv_heads':null";
    String port =
        ",'output_retentions':false,'forward_impl':'parallel','dropout':0.0,'use_glu':true,"
            + "'activation_dropout':0.0,'drop_path_rate':0.0,'subln':true,'z_loss_coeff':0.0,"
            + "'deepnorm':false,'use_ffn_rms_norm':false,'use_lm_decay':false,'use_xmoe':true,"
            + "'recurrent_chunk_size':512,'is_decoder':true,'decoder_normalize_before':true";
    assertThat(open(FLA + both + fla, LoadOptions.DEFAULT).unknownKeys()).isEmpty();
    String attention = ",'num_hidden_layers':1,'attn':{'layers':[0],'num_heads':2}";
    assertThat(open(FLA + both + fla + attention, LoadOptions.DEFAULT).unknownKeys()).isEmpty();
    assertThat(open(TORCHSCALE + both + port, LoadOptions.DEFAULT).unknownKeys()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32"})
  void goldenModelsHaveNoUnknownKeys(String name) {
    Path golden = Npy.path("/golden/model/" + name);
    Checkpoint checkpoint = Checkpoint.open(golden);
    assertThat(checkpoint.unknownKeys()).isEmpty();
    CheckpointWriter.convert(checkpoint, folder.resolve("to"), WriteOptions.DEFAULT);
    assertThat(Checkpoint.open(folder.resolve("to")).unknownKeys()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"125m", "6.7b"})
  void whatIsWrittenHasNoUnknownKeys(String shape) throws IOException {
    for (var config : List.of(ModelShapes.retNet(shape), ModelShapes.transformer(shape))) {
      Files.writeString(
          folder.resolve("config.json"), FlaConfig.json(config, DType.BF16).toString());
      Checkpoint written = Checkpoint.open(folder);
      assertThat(written.unknownKeys()).isEmpty();
      assertThat(written.config()).isEqualTo(config);
    }
  }
}
