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
import org.retention4j.engine.ops.Activation;

class RetentionConfigTest {
  @Test
  void flaConventions() {
    RetentionConfig c = RetentionConfig.fla(2048, 8);
    assertThat(c.keyWidth()).isEqualTo(256);
    assertThat(c.valueWidth()).isEqualTo(512);
    assertThat(c.kvHeads()).isEqualTo(8);
    assertThat(c.rotation()).isEqualTo(Rotation.FLA);
    assertThat(c.headNormWeight()).isTrue();
    assertThat(c.normEps()).isEqualTo(1e-6);
    assertThat(c.gate()).isTrue();
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
    assertThat(c.headNormWeight()).isFalse();
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
        RetentionConfig.builder(10, 4).kvHeads(2).keyWidth(6).valueWidth(3).gate(false).build();
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
        mistake("normEps", "-1.0", b -> b.normEps(-1)),
        mistake("normEps", "NaN", b -> b.normEps(Double.NaN)),
        mistake("normEps", "Infinity", b -> b.normEps(Double.POSITIVE_INFINITY)));
  }

  private static Arguments mistake(
      String expected, String got, UnaryOperator<RetentionConfig.Builder> change) {
    return Arguments.of(expected, got, change);
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void refuses(String expected, String got, UnaryOperator<RetentionConfig.Builder> change) {
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

  private static RetentionConfig of(
      int[] sizes, DecaySchedule decay, Rotation rotation, Activation featureMap) {
    return new RetentionConfig(
        sizes[0],
        sizes[1],
        sizes[2],
        sizes[3],
        sizes[4],
        decay,
        rotation,
        true,
        1e-6,
        featureMap,
        true,
        false,
        false);
  }

  /** The constructor, which no builder stands before, refuses the same. */
  @Test
  void theConstructorChecksEveryPart() {
    DecaySchedule decay = DecaySchedule.pow2(2);
    String[] names = {"modelWidth", "heads", "kvHeads", "keyWidth", "valueWidth"};
    for (int i = 0; i < names.length; i++) {
      int[] sizes = {8, 2, 2, 4, 8};
      sizes[i] = 0;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> of(sizes, decay, Rotation.NONE, Activation.NONE))
          .withMessageContaining("expected " + names[i] + " >= 1, got 0");
    }
    int[] good = {8, 2, 2, 4, 8};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> of(good, null, Rotation.FLA, Activation.NONE))
        .withMessageContaining("decay, got null");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> of(good, decay, null, Activation.NONE))
        .withMessageContaining("rotation, got null");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> of(good, decay, Rotation.FLA, null))
        .withMessageContaining("featureMap, got null");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> of(good, decay, Rotation.FLA, Activation.SILU))
        .withMessageContaining("NONE or RELU, got SILU");
    assertThat(of(good, decay, Rotation.FLA, Activation.RELU).featureMap())
        .isEqualTo(Activation.RELU);
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
