package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

class RetentionParametersTest {
  /** D 8, 2 heads, 1 key/value head, K 4, V 6: every matrix has a shape of its own. */
  private static final RetentionConfig CONFIG =
      RetentionConfig.builder(8, 2).kvHeads(1).keyWidth(4).valueWidth(6).build();

  private static final RetentionConfig BARE =
      RetentionConfig.builder(8, 2)
          .kvHeads(1)
          .keyWidth(4)
          .valueWidth(6)
          .gate(Activation.NONE)
          .norm(HeadNorm.PLAIN_RMS)
          .build();

  /** One matrix replaced by another. */
  private record Change(String name, INDArray array) {
    RetentionParameters in(RetentionParameters p) {
      return new RetentionParameters(
          name.equals("query") ? array : p.query(),
          name.equals("key") ? array : p.key(),
          name.equals("value") ? array : p.value(),
          name.equals("gate") ? Optional.ofNullable(array) : p.gate(),
          name.equals("output") ? array : p.output(),
          p.vectors());
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<String> names() {
    return Stream.of("query", "key", "value", "gate", "output");
  }

  private static RetentionParameters good() {
    return RetentionParameters.random(CONFIG, 1);
  }

  @Test
  void fitsItsOwnConfiguration() {
    assertThatCode(() -> good().checkAgainst(CONFIG)).doesNotThrowAnyException();
    assertThatCode(() -> RetentionParameters.random(BARE, 1).checkAgainst(BARE))
        .doesNotThrowAnyException();
    assertThat(RetentionParameters.random(BARE, 1).gate()).isEmpty();
    assertThat(RetentionParameters.random(BARE, 1).vectors()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("names")
  void refusesAMisshapenMatrix(String name) {
    RetentionParameters bad = new Change(name, Nd4j.ones(DataType.FLOAT, 3, 5)).in(good());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.checkAgainst(CONFIG))
        .withMessageContaining("expected " + name)
        .withMessageContaining("[3, 5]");
  }

  @ParameterizedTest
  @MethodSource("names")
  void refusesAMissingMatrix(String name) {
    RetentionParameters bad = new Change(name, null).in(good());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.checkAgainst(CONFIG))
        .withMessageContaining("expected " + name)
        .withMessageContaining("none");
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "LONG", "HALF"})
  void refusesOtherTypes(DataType type) {
    RetentionParameters bad = new Change("query", good().query().castTo(type)).in(good());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.checkAgainst(CONFIG))
        .withMessageContaining("FLOAT, DOUBLE or BFLOAT16")
        .withMessageContaining(type.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"FLOAT", "DOUBLE", "BFLOAT16"})
  void acceptsTheTypesOfCheckpoints(DataType type) {
    RetentionParameters p = new Change("query", good().query().castTo(type)).in(good());
    assertThatCode(() -> p.checkAgainst(CONFIG)).doesNotThrowAnyException();
  }

  @Test
  void refusesAGateWithoutOneInTheConfiguration() {
    RetentionParameters bare = RetentionParameters.random(BARE, 1);
    RetentionParameters bad = new Change("gate", good().gate().orElseThrow()).in(bare);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.checkAgainst(BARE))
        .withMessageContaining("expected no gate")
        .withMessageContaining("[12, 8]");
  }

  @Test
  void refusesHeadNormsOfAnotherLength() {
    RetentionParameters bad = good().with("head norm", new double[5]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> bad.checkAgainst(CONFIG))
        .withMessageContaining("expected 6 head norm weights, got 5");
    RetentionParameters extra = good().with("key bias", new double[4]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> extra.checkAgainst(CONFIG))
        .withMessageContaining("does not ask for, got [key bias]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RetentionParameters.random(BARE, 1).checkAgainst(CONFIG))
        .withMessageContaining("gate");
  }

  @ParameterizedTest
  @MethodSource("names")
  void findsWhatIsNotFinite(String name) {
    for (double x : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      RetentionParameters p = good();
      INDArray matrix =
          switch (name) {
            case "query" -> p.query();
            case "key" -> p.key();
            case "value" -> p.value();
            case "gate" -> p.gate().orElseThrow();
            default -> p.output();
          };
      p.checkFinite();
      matrix.putScalar(2, 3, x);
      assertThatIllegalArgumentException()
          .isThrownBy(p::checkFinite)
          .withMessageContaining("expected finite " + name)
          .withMessageContaining(x + " at (2,3)");
    }
  }

  @Test
  void findsAHeadNormThatIsNotFinite() {
    for (int i : new int[] {0, 5}) {
      RetentionParameters p = good();
      p.vector("head norm").orElseThrow()[i] = Double.NaN;
      assertThatIllegalArgumentException()
          .isThrownBy(p::checkFinite)
          .withMessageContaining("head norm")
          .withMessageContaining("NaN at " + i);
    }
    assertThatCode(() -> RetentionParameters.random(BARE, 1).checkFinite())
        .doesNotThrowAnyException();
  }

  @Test
  void theSameSeedGivesTheSameWeights() {
    assertThat(good().query()).isEqualTo(good().query());
    assertThat(RetentionParameters.random(CONFIG, 2).query()).isNotEqualTo(good().query());
    // Uniform with variance 1/in: within ±√(3/8), and not all small.
    double bound = Math.sqrt(3.0 / 8);
    assertThat(good().query().amaxNumber().doubleValue()).isBetween(0.8 * bound, bound);
    assertThat(good().query().minNumber().doubleValue()).isNegative();
  }

  /** A block multiplies its normed heads by the weights that it was packed with. */
  @Test
  void blocksUseTheHeadNormAndTheFeatureMap() {
    RetentionConfig config =
        RetentionConfig.builder(8, 2)
            .kvHeads(1)
            .keyWidth(4)
            .valueWidth(6)
            .featureMap(Activation.RELU)
            .build();
    double[] norm = {0.5, 1, 1.5, 2, -1, 0.25};
    RetentionParameters normed = RetentionParameters.random(config, 1).with("head norm", norm);
    INDArray x = Tensors.gaussian(1, DataType.DOUBLE, 1, 9, 8);
    INDArray expected = ReferenceBlock.forward(config, normed, BlockInput.of(x)).output();
    try (RetentionWeights weights =
        RetentionWeights.pack(Engines.float64(), config, normed, WeightType.FLOAT64)) {
      MultiScaleRetention block = new MultiScaleRetention(Engines.float64(), weights);
      INDArray y = block.forward(new RecurrentForm(), x, block.newState(1));
      TensorAssert.assertThat(y).isCloseTo(expected, Tolerance.block(DataType.DOUBLE));
    }
  }

  @Test
  void packingChecksShapes() {
    RetentionParameters wider = RetentionParameters.random(RetentionConfig.fla(16, 2), 1);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> RetentionWeights.pack(Engines.float64(), CONFIG, wider, WeightType.FLOAT64))
        .withMessageContaining("query");
  }
}
