package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.withinPercentage;

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
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/**
 * What keys mean that are absent, null or derived, and that configurations survive being written.
 */
class ConfigDefaultsTest {
  private static final String TORCHSCALE =
      "'decoder_embed_dim':64,'decoder_value_embed_dim':96,'decoder_retention_heads':4,"
          + "'decoder_ffn_embed_dim':80,'decoder_layers':3,'vocab_size':70";

  @TempDir private Path folder;

  private Checkpoint open(String keys) throws IOException {
    Files.writeString(folder.resolve("config.json"), ("{" + keys + "}").replace('\'', '"'));
    return Checkpoint.open(folder);
  }

  private DecoderConfig config(String keys) throws IOException {
    return open(keys).config();
  }

  private DecoderConfig fla(String keys) throws IOException {
    return config("'model_type':'retnet'" + keys);
  }

  private static boolean retains(LayerConfig layer) {
    return layer.mixer().kind().equals("retention");
  }

  private static RetentionConfig retention(LayerConfig layer) {
    return RetentionMixerConfig.matching(layer.mixer()).orElseThrow().block();
  }

  /** The published 1.3B model is what the defaults alone describe. */
  @Test
  void theDefaultsAreThePublishedModel() throws IOException {
    Checkpoint checkpoint = open("'model_type':'retnet'");
    assertThat(checkpoint.family()).isEqualTo("fla");
    assertThat(checkpoint.mixers()).containsExactly("retention", "attention");
    for (ElementType type : ElementType.values()) {
      assertThat(checkpoint.bound(type)).isEqualTo(Bounds.model(type));
    }
    DecoderConfig c = checkpoint.config();
    assertThat(c.parameters()).isEqualTo(1_351_727_104L);
    assertThat(c.layers()).hasSize(24).allMatch(ConfigDefaultsTest::retains);
    assertThat(c.vocabulary()).isEqualTo(32_000);
    assertThat(c.modelWidth()).isEqualTo(2048);
    assertThat(c.normEps()).isEqualTo(1e-6);
    assertThat(c.embeddingScale()).isEqualTo(1);
    assertThat(c.embeddingNorm()).isFalse();
    assertThat(c.tiedOutput()).isFalse();
    LayerConfig layer = c.layers().get(23);
    assertThat(layer.hidden()).isEqualTo(2816);
    assertThat(layer.activation()).isEqualTo(Activation.SILU);
    RetentionConfig r = retention(layer);
    assertThat(List.of(r.heads(), r.kvHeads(), r.keyWidth(), r.valueWidth()))
        .containsExactly(8, 8, 256, 512);
    assertThat(r.gate()).isEqualTo(Activation.SILU);
    assertThat(r.norm()).isEqualTo(HeadNorm.RMS);
    assertThat(r.featureMap()).isEqualTo(Activation.NONE);
    assertThat(r.normEps()).isEqualTo(1e-6);
    assertThat(r.rotation()).isEqualTo(Rotation.FLA);
    assertThat(r.scaleKeys()).isFalse();
    assertThat(r.normaliseOutput()).isFalse();
    double[] decays = r.decay().logDecay().values();
    for (int h = 0; h < 8; h++) {
      assertThat(decays[h]).isCloseTo(Math.log1p(-Math.pow(2, -5 - h)), withinPercentage(1e-13));
    }
  }

  /** Null where fla has it, and false where Python takes it for that; unknown keys say nothing. */
  @Test
  void nullIsWhatItIsInFla() throws IOException {
    String nulls =
        ",'intermediate_size':null,'num_kv_heads':null,'feature_map':null,'attn':null,"
            + "'tie_word_embeddings':null,'attnres_block_size':null,'quantization_config':null";
    assertThat(fla(nulls)).isEqualTo(fla(""));
    assertThat(fla(",'use_output_gate':null,'elementwise_affine':null"))
        .isEqualTo(fla(",'use_output_gate':false,'elementwise_affine':false"));
    assertThat(fla(",'attn':{'layers':[1],'num_heads':2,'num_kv_heads':null,'qkv_bias':null}"))
        .isEqualTo(fla(",'attn':{'layers':[1],'num_heads':2}"));
    String others =
        ",'use_short_conv':true,'conv_size':9,'fuse_norm':false,'something':{'else':[1]},"
            + "'max_position_embeddings':1,'hidden_act':'silu','feature_map':'identity'";
    assertThat(fla(others)).isEqualTo(fla(""));
  }

  /** 256·⌈int(hidden·hidden_ratio·2/3)/256⌉. */
  @ParameterizedTest
  @CsvSource({
    "2048, 2, 2816",
    "2048, null, 5632",
    "2048, 4, 5632",
    "384, 2, 512",
    "388, 2, 768",
    "768, 2, 1024",
    "1024, 2, 1536",
    "2560, 2, 3584",
    "4096, 2, 5632",
    "64, 2.5, 256",
    "8, 0.01, 256"
  })
  void theFeedForwardsWidthIsDerived(int width, String ratio, int expected) throws IOException {
    String keys = ",'num_heads':2,'hidden_size':" + width + ",'hidden_ratio':" + ratio;
    assertThat(fla(keys).layers().get(0).hidden()).isEqualTo(expected);
    assertThat(fla(keys + ",'intermediate_size':70").layers().get(0).hidden()).isEqualTo(70);
  }

  @Test
  void attentionHasItsOwnDefaults() throws IOException {
    DecoderConfig c =
        fla(",'num_hidden_layers':4,'attn':{'layers':[1,3],'num_heads':16,'window_size':null}");
    assertThat(c.layers().stream().map(ConfigDefaultsTest::retains))
        .containsExactly(true, false, true, false);
    assertThat(c.layers().get(3).mixer())
        .isEqualTo(
            new AttentionConfig(2048, 16, 16, 128, 10_000, AttentionConfig.UNBOUNDED, false));
    assertThat(c.layers().get(3).hidden()).isEqualTo(2816);
    assertThat(fla(",'attn':[]").layers()).allMatch(ConfigDefaultsTest::retains);
    assertThat(fla(",'attn':{'layers':[],'num_heads':2}").layers())
        .allMatch(ConfigDefaultsTest::retains);
  }

  @Test
  void torchscaleHasItsOwnDefaults() throws IOException {
    Checkpoint checkpoint = open(TORCHSCALE);
    assertThat(checkpoint.family()).isEqualTo("torchscale");
    assertThat(checkpoint.mixers()).containsExactly("retention");
    for (ElementType type : ElementType.values()) {
      assertThat(checkpoint.bound(type)).isEqualTo(Bounds.torchscaleModel(type));
    }
    DecoderConfig c = checkpoint.config();
    assertThat(c.layers()).hasSize(3);
    assertThat(c.normEps()).isEqualTo(1e-6);
    assertThat(c.embeddingScale()).isEqualTo(1);
    assertThat(c.embeddingNorm()).isFalse();
    assertThat(c.tiedOutput()).isFalse();
    assertThat(c.layers().get(0).activation()).isEqualTo(Activation.GELU);
    assertThat(c.layers().get(0).hidden()).isEqualTo(80);
    RetentionConfig r = retention(c.layers().get(0));
    assertThat(List.of(r.heads(), r.kvHeads(), r.keyWidth(), r.valueWidth()))
        .containsExactly(4, 4, 16, 24);
    assertThat(r.decay().logDecay()).isEqualTo(DecaySchedule.pow2(4).logDecay());
    assertThat(r.norm()).isEqualTo(HeadNorm.PLAIN_RMS);
    assertThat(config(TORCHSCALE + ",'model_type':'retnet','subln':false")).isEqualTo(c);
    for (String key :
        List.of(
            "decoder_embed_dim",
            "decoder_value_embed_dim",
            "decoder_retention_heads",
            "decoder_ffn_embed_dim",
            "decoder_layers",
            "vocab_size")) {
      String entry = "'" + key + "':\\d+";
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> config(TORCHSCALE.replaceAll(entry, "'" + key + "':null")))
          .withMessageContaining("for " + key)
          .withMessageContaining("got null");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> config(TORCHSCALE.replaceAll(entry, "'other':1")))
          .withMessageContaining("expected the key " + key);
    }
  }

  /** Published widths that no short decimal fraction expresses: written and read, the same. */
  @ParameterizedTest
  @ValueSource(ints = {2, 6, 24, 48, 54, 96, 98, 770})
  void widthsSurviveBeingWritten(int width) throws IOException {
    for (int heads : new int[] {1, 2, 3, 7}) {
      for (int valueWidth = 1; valueWidth < 70; valueWidth++) {
        int keyWidth = 2 * ((valueWidth + 1) / 2);
        RetentionConfig retention =
            RetentionConfig.builder(width, heads).keyWidth(keyWidth).valueWidth(valueWidth).build();
        DecoderConfig config =
            DecoderConfig.of(
                9,
                width,
                List.of(new LayerConfig(new RetentionMixerConfig(retention), 5, Activation.SILU)));
        Files.writeString(
            folder.resolve("config.json"), FlaConfig.json(config, DType.F32).toString());
        RetentionConfig read = retention(Checkpoint.open(folder).config().layers().get(0));
        assertThat(read).isEqualTo(retention);
      }
    }
  }

  /** Fractions are cut off, as Python's int() does: 0.29·100 is 28.999999999999996. */
  @ParameterizedTest
  @CsvSource({
    "48, 1.3333333333333333, 4, 16",
    "768, 1.6666666666666667, 4, 320",
    "96, 1.35, 1, 129",
    "100, 0.29, 1, 28"
  })
  void widthsAreCutOff(int width, String factor, int heads, int expected) throws IOException {
    String keys = ",'hidden_size':" + width + ",'num_heads':" + heads + ",'expand_v':" + factor;
    assertThat(retention(fla(keys).layers().get(0)).valueWidth()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"expand_v, 1.03, expand_v", "expand_k, 0.01, expand_k", "expand_k, 0.5, even"})
  void widthsThatHeadsCannotShareAreRefused(String key, String value, String message) {
    String keys = ",'hidden_size':60,'num_heads':6,'" + key + "':" + value;
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> fla(keys))
        .withMessageContaining(message);
  }

  /** The table of sizes: layers, D, heads, I; the Transformer's heads and I. */
  @ParameterizedTest
  @CsvSource({
    "125m, 12, 768, 3, 1024, 6, 2048",
    "350m, 24, 1024, 4, 1536, 8, 2880",
    "1.3b, 24, 2048, 8, 2816, 16, 5504",
    "2.7b, 32, 2560, 10, 3584, 20, 6976",
    "6.7b, 32, 4096, 16, 5632, 32, 11072"
  })
  void shapesAreThoseOfTheTable(
      String name, int layers, int d, int heads, int hidden, int queries, int wider) {
    DecoderConfig c = ModelShapes.retNet(name);
    long perLayer = 8L * d * d + 3L * d * hidden + 512 + 2L * d;
    assertThat(c.parameters()).isEqualTo(layers * perLayer + 2L * 32_000 * d + d);
    RetentionConfig r = retention(c.layers().get(layers - 1));
    assertThat(List.of(c.modelWidth(), r.heads(), r.keyWidth(), r.valueWidth()))
        .containsExactly(d, heads, 256, 512);
    assertThat(c.layers().get(0).mixer().stateElements()).isEqualTo((long) heads * 256 * 512);
    DecoderConfig t = ModelShapes.transformer(name);
    perLayer = 4L * d * d + 3L * d * wider + 2L * d;
    assertThat(t.parameters()).isEqualTo(layers * perLayer + 2L * 32_000 * d + d);
    assertThat(t.layers().get(0).mixer()).isEqualTo(AttentionConfig.multiHead(d, queries));
    assertThat(AttentionConfig.multiHead(d, queries).headWidth()).isEqualTo(128);
    assertThat(c.layers()).hasSize(layers);
    assertThat(t.layers()).hasSize(layers);
    assertThat((double) t.parameters() / c.parameters()).isBetween(0.99, 1.01);
    assertThat(ModelShapes.names()).hasSize(5).contains(name);
  }
}
