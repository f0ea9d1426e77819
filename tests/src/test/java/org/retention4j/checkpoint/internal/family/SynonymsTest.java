package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.CheckpointException;

/** Keys of other models beside a whole configuration: the same again, or a contradiction. */
class SynonymsTest {
  /** Four heads of 16 and 32. */
  private static final String FLA =
      "'model_type':'retnet','hidden_size':64,'num_hidden_layers':3,'num_heads':4,"
          + "'expand_k':1,'expand_v':2,'intermediate_size':96,'vocab_size':97,'norm_eps':1e-6,"
          + "'hidden_act':'swish'";

  private static final String TORCHSCALE =
      "'decoder_embed_dim':64,'decoder_value_embed_dim':128,'decoder_retention_heads':4,"
          + "'decoder_ffn_embed_dim':96,'decoder_layers':3,'vocab_size':97";

  /** Eight heads of 8 in the middle, two of which are keys' and values'. */
  private static final String HYBRID =
      FLA + ",'attn':{'layers':[1],'num_heads':8,'num_kv_heads':2}";

  @TempDir private Path folder;

  private Checkpoint open(String keys) throws IOException {
    Path config = folder.resolve("config.json");
    Files.writeString(config, ("{" + keys + "}").replace('\'', '"'));
    return Checkpoint.open(folder);
  }

  private void refuses(String base, String key, String value, String... message) {
    assertThatExceptionOfType(CheckpointException.class)
        .as("%s = %s", key, value)
        .isThrownBy(() -> open(base + ",'" + key + "':" + value))
        .withMessageContainingAll(message)
        .withMessageContainingAll(
            "got " + key + " = ", "another model", folder.resolve("config.json").toString());
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "num_layers, 3, 4, num_hidden_layers = 3",
        "n_layers, 3, 24, num_hidden_layers = 3",
        "n_layer, 3.0, 2, num_hidden_layers = 3",
        "d_model, 64, 2048, hidden_size = 64",
        "dim, 64, 32, hidden_size = 64",
        "n_embd, 64, 65, hidden_size = 64",
        "embedding_size, 64, 16, hidden_size = 64",
        "num_attention_heads, 4, 8, num_heads = 4",
        "n_head, 4, 2, num_heads = 4",
        "num_key_value_heads, 4, 2, num_kv_heads = its default",
        "n_kv_heads, 4, 1, num_kv_heads = its default",
        "head_dim, 16, 64, expand_k = 1",
        "head_dim, 32, 8, expand_k = 1",
        "head_k_dim, 16, 32, expand_k = 1",
        "v_head_dim, 32, 16, expand_v = 2",
        "qk_dim, 64, 128, expand_k = 1",
        "v_dim, 128, 64, expand_v = 2",
        "ffn_dim, 96, 128, intermediate_size = 96",
        "d_ff, 96, 95, intermediate_size = 96",
        "hidden_dim, 96, 97, intermediate_size = 96",
        "hidden_dim, 64, 63, intermediate_size = 96",
        "n_vocab, 97, 98, vocab_size = 97",
        "rms_norm_eps, 1e-6, 1e-5, norm_eps = 1.0E-6",
        "layer_norm_epsilon, 0.000001, 1e-12, norm_eps = 1.0E-6",
        "activation_function, 'silu', 'gelu', hidden_act = \"swish\"",
        "d_model, 64, '64', hidden_size = 64",
        "n_layer, 3, [3], num_hidden_layers = 3",
        "rms_norm_eps, 1e-6, NaN, norm_eps = 1.0E-6"
      })
  void flasKeysAreRepeatedOrContradicted(String key, String same, String other, String own)
      throws IOException {
    String quoted = same.replace('"', '\'');
    assertThat(open(FLA + ",'" + key + "':" + quoted).config()).isEqualTo(open(FLA).config());
    assertThat(open(FLA + ",'" + key + "':null").config()).isEqualTo(open(FLA).config());
    refuses(FLA, key, other, "beside " + own);
  }

  /** Without norm_eps the library's default would take the place of what the file says. */
  @Test
  void theDefaultIsRepeatedOrContradictedToo() throws IOException {
    String without = FLA.replace(",'norm_eps':1e-6", "");
    assertThat(open(without + ",'rms_norm_eps':1e-6").config()).isEqualTo(open(FLA).config());
    refuses(without, "rms_norm_eps", "1e-5", "1.0E-6", "norm_eps = its default", "1.0E-5");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "num_attention_heads, 8, 16",
        "num_attention_heads, 4, 2",
        "num_key_value_heads, 2, 1",
        "head_dim, 8, 9"
      })
  void attentionLayersMayBeMeantToo(String key, String same, String other) throws IOException {
    assertThat(open(HYBRID + ",'" + key + "':" + same).config()).isEqualTo(open(HYBRID).config());
    refuses(HYBRID, key, other, "or no such key");
  }

  @Test
  void aModelOfAttentionAloneHasItsOwnHeads() throws IOException {
    String attention = FLA + ",'attn':{'layers':[0,1,2],'num_heads':8,'num_kv_heads':2}";
    assertThat(open(attention + ",'num_attention_heads':8,'num_key_value_heads':2").config())
        .isEqualTo(open(attention).config());
    refuses(attention, "num_attention_heads", "2", "= 4 or 8,");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {
        "hidden_size, 64, 128, decoder_embed_dim = 64",
        "num_hidden_layers, 3, 6, decoder_layers = 3",
        "num_attention_heads, 4, 8, decoder_retention_heads = 4",
        "num_key_value_heads, 4, 2, decoder_retention_heads = 4",
        "intermediate_size, 96, 97, decoder_ffn_embed_dim = 96",
        "v_dim, 128, 64, decoder_value_embed_dim = 128",
        "layer_norm_eps, 1e-6, 1e-5, layernorm_eps = its default",
        "norm_eps, 1e-6, 1e-5, layernorm_eps = its default",
        "hidden_act, 'gelu', 'swish', activation_fn = its default"
      })
  void torchscalesKeysAreRepeatedOrContradicted(String key, String same, String other, String own)
      throws IOException {
    assertThat(open(TORCHSCALE + ",'" + key + "':" + same).config())
        .isEqualTo(open(TORCHSCALE).config());
    refuses(TORCHSCALE, key, other, "beside " + own);
  }

  /** What the hub's library and fla put beside the model's own keys. */
  @Test
  void keysThatSayNothingOfTheModelAreNoMatter() throws IOException {
    String others =
        ",'architectures':['RetNetForCausalLM'],'transformers_version':'4.40.0',"
            + "'torch_dtype':'bfloat16','dtype':'bfloat16','use_cache':true,'auto_map':{},"
            + "'_name_or_path':'x','initializer_range':0.02,'max_position_embeddings':2048,"
            + "'attn_mode':'chunk','fuse_norm':true,'fuse_cross_entropy':true,'conv_size':4,"
            + "'use_short_conv':false,'pad_token_id':null,'output_attentions':false,"
            + "'id2label':{'0':'a'},'chunk_size_feed_forward':0,'is_decoder':false,'top_k':50";
    assertThat(open(FLA + others).config()).isEqualTo(open(FLA).config());
    assertThat(open(TORCHSCALE + others).config()).isEqualTo(open(TORCHSCALE).config());
  }
}
