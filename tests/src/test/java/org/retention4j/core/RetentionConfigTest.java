package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.NormKind;
import org.retention4j.nn.WeightSpec;

class RetentionConfigTest {
  @Test
  void flaConventions() {
    RetentionConfig c = RetentionConfig.fla(2048, 8);
    assertThat(c.keyWidth()).isEqualTo(256);
    assertThat(c.valueWidth()).isEqualTo(512);
    assertThat(c.kvHeads()).isEqualTo(8);
    assertThat(c.rotation()).isEqualTo(Rotation.FLA);
    assertThat(c.norm()).isEqualTo(HeadNorm.RMS);
    assertThat(c.normEps()).isEqualTo(1e-6);
    assertThat(c.gate()).isEqualTo(Activation.SILU);
    assertThat(c.biases()).isEmpty();
    assertThat(c.twoStreams()).isFalse();
    assertThat(c.scaleKeys()).isFalse();
    assertThat(c.normaliseOutput()).isFalse();
    assertThat(c.decay().name()).isEqualTo("pow2");
    assertThat(c.scale()).isEqualTo(1.0 / 16);
    assertThat(c.outputScale()).isEqualTo(1.0 / 16);
    // 8 D² weights (bench.md) and the head norm.
    assertThat(c.parameters()).isEqualTo(8L * 2048 * 2048 + 512);
    assertThat(c.stateConvention())
        .isEqualTo(new StateConvention(false, Rotation.FLA, Optional.of(c.decay().logDecay())));
  }

  @Test
  void torchscaleConventions() {
    RetentionConfig c = RetentionConfig.torchscale(64, 2);
    assertThat(c.rotation()).isEqualTo(Rotation.TORCHSCALE);
    assertThat(c.norm()).isEqualTo(HeadNorm.PLAIN_RMS);
    assertThat(c.scaleKeys()).isTrue();
    assertThat(c.normaliseOutput()).isTrue();
    assertThat(c.scale()).isCloseTo(1 / Math.sqrt(32), within(1e-16));
    assertThat(c.outputScale()).isEqualTo(1);
    assertThat(c.parameters()).isEqualTo(8L * 64 * 64);
    assertThat(c.stateConvention().keysScaled()).isTrue();
  }

  @Test
  void countsParametersOfGroupedHeadsWithoutGate() {
    RetentionConfig c =
        RetentionConfig.builder(10, 4)
            .kvHeads(2)
            .keyWidth(6)
            .valueWidth(3)
            .gate(Activation.NONE)
            .build();
    // W_Q 24x10, W_K 12x10, W_V 6x10, W_O 10x12, head norm 3.
    assertThat(c.parameters()).isEqualTo(240 + 120 + 60 + 120 + 3);
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake("kvHeads", "3", b -> b.kvHeads(3)),
        mistake("kvHeads", "0", b -> b.kvHeads(0)),
        mistake("keyWidth", "-1", b -> b.keyWidth(-1)),
        mistake("valueWidth", "0", b -> b.valueWidth(0)),
        mistake("even key width", "7", b -> b.keyWidth(7)),
        mistake("decay schedule for 4", "3", b -> b.decay(DecaySchedule.pow2(3))),
        mistake("decay, got null", "null", b -> b.decay(null)),
        mistake("rotation, got null", "null", b -> b.rotation(null)),
        mistake("norm, got null", "null", b -> b.norm(null)),
        mistake("featureMap, got null", "null", b -> b.featureMap(null)),
        mistake("bias, got null", "null", b -> b.biases(Projection.KEY, null)),
        mistake("featureMap to be one of", "GELU", b -> b.featureMap(Activation.GELU)),
        mistake("valueMap to be one of", "SIGMOID", b -> b.valueMap(Activation.SIGMOID)),
        mistake("gate to be one of", "RELU", b -> b.gate(Activation.RELU)),
        mistake("keyValueInput", "0", b -> b.keyValueInput(0)),
        mistake("at most the key width K = 8", "10", b -> b.rotation(Rotation.FLA.channels(10))),
        mistake("even number", "3", b -> b.rotation(Rotation.FLA.channels(3))),
        mistake("rotated channels >= 1", "0", b -> b.rotation(Rotation.FLA.channels(0))),
        mistake("divide the 64 channels", "5", b -> b.norm(HeadNorm.RMS.groups(5))),
        mistake("groups of the head norm", "-1", b -> b.norm(HeadNorm.RMS.groups(-1))),
        mistake("no gate bias", "one", b -> b.gate(Activation.NONE).biases(Projection.GATE)),
        mistake("normEps", "-1.0", b -> b.normEps(-1)),
        mistake("normEps", "NaN", b -> b.normEps(Double.NaN)),
        mistake("normEps", "Infinity", b -> b.normEps(Double.POSITIVE_INFINITY)));
  }

  private static Arguments mistake(
      String expected, String got, UnaryOperator<RetentionConfigBuilder> change) {
    return Arguments.of(expected, got, change);
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void refuses(String expected, String got, UnaryOperator<RetentionConfigBuilder> change) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> change.apply(RetentionConfig.builder(32, 4)).build())
        .withMessageContaining(expected)
        .withMessageContaining(got);
  }

  @Test
  void anOddKeyWidthIsFineWithoutRotation() {
    RetentionConfig c = RetentionConfig.builder(32, 4).keyWidth(7).rotation(Rotation.NONE).build();
    assertThat(c.keyWidth()).isEqualTo(7);
    assertThat(RetentionConfig.builder(32, 4).normEps(0).build().normEps()).isZero();
  }

  @Test
  void refusesHeadsThatDoNotDivideTheWidth() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionConfig.fla(10, 3))
        .withMessageContaining("divide modelWidth = 10")
        .withMessageContaining("3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionConfig.builder(10, 3).keyWidth(4).build())
        .withMessageContaining("divide");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionConfig.builder(10, 3).valueWidth(4).build())
        .withMessageContaining("divide");
    assertThat(RetentionConfig.builder(10, 3).keyWidth(4).valueWidth(5).build().heads())
        .isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1})
  void refusesSizesBelowOne(int size) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionConfig.builder(size, 1))
        .withMessageContaining("modelWidth >= 1, got " + size);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionConfig.builder(8, size))
        .withMessageContaining("heads >= 1, got " + size);
  }

  /** Streaming speaker diarization: linear attention with biases and mean-subtracting norms. */
  @Test
  void diarisationConventions() {
    RetentionConfig c = RetentionConfig.diarisation(24, 3);
    assertThat(c.decay().gammas()).containsExactly(1, 1, 1);
    assertThat(c.keyWidth()).isEqualTo(8);
    assertThat(c.valueWidth()).isEqualTo(8);
    assertThat(c.rotation().active()).isFalse();
    assertThat(c.norm().kind()).isEqualTo(NormKind.LAYER);
    // Five matrices of 24 x 24, each with a bias.
    assertThat(c.parameters()).isEqualTo(5 * (24 * 24 + 24));
  }

  /** The core of Ling and Ring: half of the channels turn, norms of two heads together. */
  @Test
  void lightningConventions() {
    RetentionConfig c = RetentionConfig.lightning(32, 4, 1, 4);
    assertThat(c.decay().logDecay().of(0)).isCloseTo(-0.25 * (1 - 1.0 / 3 + 1e-5), within(1e-15));
    assertThat(c.rotation().rotated(8)).isEqualTo(4);
    assertThat(c.normGroups()).isEqualTo(2);
    assertThat(c.gate()).isEqualTo(Activation.SIGMOID);
    // Five matrices of 32 x 32, two q/k norms of 8, a head norm of 32.
    assertThat(c.parameters()).isEqualTo(5 * 32 * 32 + 16 + 32);
  }

  @Test
  void namesItsWeightsInOrder() {
    RetentionConfig c =
        RetentionConfig.builder(12, 2)
            .keyValueInput(5)
            .queryKeyNorm(true)
            .biases(Projection.OUTPUT, Projection.KEY)
            .norm(HeadNorm.RMS.bias(true))
            .build();
    assertThat(c.weights())
        .containsExactly(
            WeightSpec.matrix("query", 12, 12),
            WeightSpec.matrix("key", 12, 5),
            WeightSpec.matrix("value", 24, 5),
            WeightSpec.matrix("gate", 24, 12),
            WeightSpec.matrix("output", 12, 24),
            WeightSpec.norm("head norm", 12),
            WeightSpec.bias("head norm bias", 24),
            WeightSpec.norm("query norm", 6),
            WeightSpec.norm("key norm", 6),
            WeightSpec.bias("key bias", 12),
            WeightSpec.bias("output bias", 12));
  }

  /** Two configurations are equal when all their options are, and no other way. */
  @Test
  void equalsByItsOptions() {
    RetentionConfig c = RetentionConfig.fla(32, 4);
    assertThat(c.toBuilder().build()).isEqualTo(c).hasSameHashCodeAs(c);
    assertThat(RetentionConfig.builder(32, 4).rotation(Rotation.FLA.channels(8)).build())
        .isEqualTo(c);
    Stream<UnaryOperator<RetentionConfigBuilder>> changes =
        Stream.of(
            b -> b.kvHeads(2),
            b -> b.keyWidth(4),
            b -> b.valueWidth(4),
            b -> b.keyValueInput(32),
            b -> b.decay(DecaySchedule.linspace(4)),
            b -> b.rotation(Rotation.FLA.channels(4)),
            b -> b.biases(Projection.VALUE),
            b -> b.featureMap(Activation.SILU),
            b -> b.valueMap(Activation.RELU),
            b -> b.queryKeyNorm(true),
            b -> b.norm(HeadNorm.RMS.groups(2)),
            b -> b.normEps(1e-5),
            b -> b.gate(Activation.SIGMOID),
            b -> b.scaleKeys(true),
            b -> b.normaliseOutput(true));
    changes.forEach(
        change -> {
          RetentionConfig other = change.apply(c.toBuilder()).build();
          assertThat(other).isNotEqualTo(c);
          assertThat(other.toString()).isNotEqualTo(c.toString());
        });
  }

  /** A builder that goes on being used does not change what it built. */
  @Test
  void doesNotFollowItsBuilder() {
    RetentionConfigBuilder builder = RetentionConfig.builder(32, 4);
    RetentionConfig before = builder.build();
    builder.biases(Projection.values()).keyWidth(2);
    assertThat(before).isEqualTo(RetentionConfig.fla(32, 4));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void refusesARotationBaseThatIsNotPositive(double base) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, base))
        .withMessageContaining("base > 0")
        .withMessageContaining(String.valueOf(base));
  }
}
