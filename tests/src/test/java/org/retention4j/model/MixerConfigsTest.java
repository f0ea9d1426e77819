package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.retention4j.model.mixer.attention.AttentionConfig.UNBOUNDED;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** What configurations of mixers say about themselves, refuse and count. */
class MixerConfigsTest {
  @Test
  void retentionTellsAllThatChangesTheMathematics() {
    assertThat(RetentionMixerConfig.fla(48, 4).describe())
        .isEqualTo(
            "retention, 4 heads (4 key/value), K 12 (expand_k 1), V 24 (expand_v 2), gate on,"
                + " feature map none, pow2 decay, half rotation of base 10000, scale on the"
                + " scores, output as it is, head norm with a weight, eps 1.0E-6");
    assertThat(new RetentionMixerConfig(RetentionConfig.torchscale(48, 4)).describe())
        .contains("K 12 (expand_k 1), V 24 (expand_v 2)", "interleaved rotation")
        .contains("scale on the keys", "output normalised", "head norm without a weight");
    RetentionConfig narrow =
        RetentionConfig.builder(48, 2).keyWidth(6).valueWidth(18).gate(Activation.NONE).build();
    assertThat(new RetentionMixerConfig(narrow).describe())
        .contains("K 6 (expand_k 0.25), V 18 (expand_v 0.75), gate off");
    assertThat(new RetentionMixerConfig(RetentionConfig.lightning(48, 4, 1, 4)).describe())
        .contains("gate sigmoid", "feature map silu", "slopes of layer 1 of 4 decay")
        .contains("head norm with a weight per channel over 2 groups, eps 1.0E-6, value map silu")
        .endsWith("q/k norm, rotation of 6 channels");
    assertThat(new RetentionMixerConfig(RetentionConfig.diarisation(48, 4)).describe())
        .contains("none rotation", "scale on the keys, output normalised")
        .contains("head norm less the mean without a weight")
        .endsWith("biases of [query, key, value, gate, output]");
  }

  @Test
  void attentionTellsAllThatChangesTheMathematics() {
    assertThat(new AttentionConfig(48, 4, 2, 12, 10_000).describe())
        .isEqualTo(
            "attention, 4 heads (2 key/value) of 12, rotation of base 10000, window none, no bias");
    assertThat(new AttentionConfig(48, 4, 2, 12, 0.5, 7, true).describe())
        .endsWith("rotation of base 0.5, window 7, bias on queries, keys and values");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 1, 2, 1, 1, modelWidth 0",
    "1, 0, 1, 2, 1, 1, heads 0",
    "1, 1, 0, 2, 1, 1, kvHeads 0",
    "1, 1, 1, 0, 1, 1, headWidth 0",
    "1, 3, 2, 2, 1, 1, kvHeads to divide heads",
    "1, 1, 1, 3, 1, 1, even head width",
    "1, 1, 1, 2, 0, 1, ropeBase > 0",
    "1, 1, 1, 2, -1, 1, ropeBase > 0",
    "1, 1, 1, 2, NaN, 1, ropeBase > 0",
    "1, 1, 1, 2, Infinity, 1, ropeBase > 0",
    "1, 1, 1, 2, 1, 0, window >= 1"
  })
  void attentionRefusesWhatCannotBe(
      int width, int heads, int kvHeads, int headWidth, double base, int window, String said) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new AttentionConfig(width, heads, kvHeads, headWidth, base, window, false))
        .withMessageContaining(said);
  }

  @Test
  void attentionTakesTheSmallest() {
    AttentionConfig smallest = new AttentionConfig(1, 1, 1, 2, Double.MIN_VALUE, 1, false);
    assertThat(smallest.windowed()).isTrue();
    assertThat(smallest.parameters()).isEqualTo(4 * 2);
  }

  @Test
  void multiHeadDividesTheWidth() {
    assertThat(AttentionConfig.multiHead(6, 1))
        .isEqualTo(new AttentionConfig(6, 1, 1, 6, 10_000, UNBOUNDED, false));
    assertThat(AttentionConfig.multiHead(48, 6).headWidth()).isEqualTo(8);
    for (int heads : new int[] {0, -1, 5}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> AttentionConfig.multiHead(48, heads))
          .withMessageContainingAll("divide modelWidth = 48", "got " + heads);
    }
  }

  /** A multiply-add is two operations, once for scores and once for outputs. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 63, UNBOUNDED})
  void attentionCountsThePairsThatSeeEachOther(int window) {
    AttentionConfig config = new AttentionConfig(48, 4, 2, 12, 10_000, window, false);
    for (int tokens : new int[] {1, 7, 8, 65}) {
      long pairs = 0;
      for (int query = 0; query < tokens; query++) {
        for (int key = 0; key <= query; key++) {
          pairs += query - key < window ? 1 : 0;
        }
      }
      assertThat(config.coreFlops(tokens)).isEqualTo(pairs * 4.0 * 4 * 12);
    }
  }

  /** Half a chunk of pairs, the state read and written, and decayed once a chunk. */
  @Test
  void retentionCountsChunks() {
    RetentionMixerConfig config =
        new RetentionMixerConfig(
            RetentionConfig.builder(48, 2).keyWidth(16).valueWidth(24).build());
    // Chunks of 64, the default: H·(C(K + V) + 4·K·V + K·V/C) a token.
    assertThat(config.coreFlops(130))
        .isEqualTo(130 * 2 * (64 * (16 + 24) + 4 * 16 * 24 + 16 * 24 / 64.0));
    // Fewer tokens than a chunk are a chunk.
    assertThat(config.coreFlops(6))
        .isEqualTo(6 * 2 * (6 * (16 + 24) + 4 * 16 * 24 + 16 * 24 / 6.0));
    assertThat(config.coreFlops(130, 10))
        .isCloseTo(130 * 2 * (10 * 40 + 4 * 384 + 38.4), offsetOfRounding(400_000));
  }

  private static Offset<Double> offsetOfRounding(double size) {
    return Offset.offset(8 * Math.ulp(size));
  }

  @Test
  void cachesGrowAndStatesDoNot() {
    MixerConfig attention = new AttentionConfig(48, 4, 2, 12, 10_000, 7, false);
    assertThat(attention.stateElements()).isZero();
    assertThat(attention.cacheElements(6)).isEqualTo(2 * 2 * 12 * 6);
    assertThat(attention.cacheElements(8)).isEqualTo(2 * 2 * 12 * 7);
    MixerConfig retention = RetentionMixerConfig.fla(48, 4);
    assertThat(retention.stateElements()).isEqualTo(4 * 12 * 24);
    assertThat(retention.cacheElements(1_000_000)).isZero();
  }
}
