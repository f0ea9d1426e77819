package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * What is left after a decay that forgets nearly all, where nothing new hides it: 1−γ loses the
 * digits of a small γ (at g = −12 an fp32 state was 8e-4 off, at g = −20 all of it).
 */
class StrongDecayTest {
  private static final int TOKENS = 70;

  /** Token 40 forgets; from then on nothing is written. */
  private static FormCall call(DataType type, double forgets) {
    INDArray v = Tensors.gaussian(3, type, 1, TOKENS, 2, 5);
    v.get(NDArrayIndex.all(), NDArrayIndex.interval(40, TOKENS)).assign(0);
    double[] g = new double[2 * TOKENS];
    for (int t = 0; t < TOKENS; t++) {
      g[2 * t] = t == 40 ? forgets : 0;
      g[2 * t + 1] = t == 40 || t == 63 ? forgets / 2 : -0.01;
    }
    return FormCall.of(
        Tensors.gaussian(1, type, 1, TOKENS, 2, 8),
        Tensors.gaussian(2, type, 1, TOKENS, 2, 8),
        v,
        LogDecay.perToken(Tensors.of(g, DataType.DOUBLE, 1, TOKENS, 2)),
        1 / Math.sqrt(8),
        Tensors.gaussian(4, type, 1, 2, 8, 5));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.69, -0.7, -2, -6, -12, -20, -37, -60, -80})
  void everyFormKeepsTheDigitsOfWhatIsLeft(double forgets) {
    for (Variant variant : Variant.all()) {
      FormCall call = call(variant.dataType(), forgets);
      FormResult expected = call.reference();
      FormResult result = variant.advance(call);
      Tolerance tolerance = Tolerance.reference(variant.dataType(), false, TOKENS);
      assertThat(result.output()).isCloseTo(expected.output(), tolerance);
      assertThat(result.state()).isStateCloseTo(expected.state(), tolerance);
    }
  }

  /** A constant γ below ½, through folds, chunks and blocks. */
  @ParameterizedTest
  @ValueSource(doubles = {0.49, 0.01, 1e-6, 1e-30})
  void constantDecayMayBeStrong(double gamma) {
    LogDecay decay = DecaySchedule.custom(gamma, 0.9).logDecay();
    for (Variant variant : Variant.all()) {
      FormCall long70 = call(variant.dataType(), 0);
      FormCall call =
          FormCall.of(long70.q(), long70.k(), long70.v(), decay, long70.scale(), long70.state());
      FormCall first = call.tokens(0, 41);
      FormResult expected = first.reference();
      FormResult result = variant.advance(first);
      Tolerance tolerance = Tolerance.reference(variant.dataType(), true, 41);
      assertThat(result.output()).isCloseTo(expected.output(), tolerance);
      assertThat(result.state()).isStateCloseTo(expected.state(), tolerance);
    }
  }

  /** Segments compose at every legal decay, also where their sum leaves the range of a double. */
  @ParameterizedTest
  @ValueSource(doubles = {-0.1, -1, -10, -20, -30, -300, -745, -1e4, -1e308})
  void segmentsCompose(double g) {
    Variant variant = new Variant(Engines.float64(), new RecurrentForm());
    INDArray x = Tensors.gaussian(5, DataType.DOUBLE, 1, 4, 1, 3);
    for (double size : new double[] {1, 0}) {
      INDArray y = Tensors.gaussian(6, DataType.DOUBLE, 1, 2, 1, 3).mul(size);
      INDArray none = Nd4j.zeros(DataType.DOUBLE, 1, 4, 1);
      INDArray strong = Nd4j.valueArrayOf(new long[] {1, 2, 1}, g, DataType.DOUBLE);
      try (RetentionState first =
              RetentionState.zeros(Engines.of(ElementType.FLOAT64), 1, 1, 3, 3);
          RetentionState second =
              RetentionState.zeros(
                  Engines.of(ElementType.FLOAT64), 1, 1, 3, 3, StateConvention.PLAIN, 4)) {
        advance(variant, x, none, first);
        advance(variant, y, strong, second);
        // Two tokens: e^g twice, since e^(2g) of a double that overflows is what is tested.
        INDArray expected = first.toArray().mul(Math.exp(g)).mul(Math.exp(g)).add(second.toArray());
        try (RetentionState joined = first.join(second)) {
          double norm = expected.norm2Number().doubleValue();
          double error = joined.toArray().sub(expected).norm2Number().doubleValue();
          assertThat(error).isLessThanOrEqualTo(1e-15 * norm);
        }
      }
    }
  }

  private static void advance(Variant variant, INDArray x, INDArray g, RetentionState state) {
    new RetentionCore(variant.engine(), variant.form())
        .advance(RetentionCall.of(x, x, x, LogDecay.perToken(g)).withScale(1), state);
  }

  /** The head norm takes any positive factor out again, up to the largest fp32 number. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 1e6, 1e7, 1e9, 1e12})
  void normOfLargeOutputsIsRight(double size) {
    RetentionConfig config =
        RetentionConfig.builder(16, 2).keyWidth(8).valueWidth(8).gate(Activation.NONE).build();
    RetentionParameters parameters = RetentionParameters.random(config, 7);
    INDArray x = Tensors.gaussian(3, DataType.FLOAT, 1, 5, 16).mul(size);
    INDArray expected =
        forward(
            Engines.float64(), config, parameters, WeightType.FLOAT64, x.castTo(DataType.DOUBLE));
    for (Engine engine : new Engine[] {Engines.plain(), Engines.vector()}) {
      INDArray y = forward(engine, config, parameters, WeightType.FLOAT32, x);
      assertThat(y).isCloseTo(expected, Tolerance.block(DataType.FLOAT));
    }
  }

  private static INDArray forward(
      Engine engine,
      RetentionConfig config,
      RetentionParameters parameters,
      WeightType type,
      INDArray x) {
    try (RetentionWeights weights = RetentionWeights.pack(engine, config, parameters, type);
        RetentionState state = RetentionState.zeros(engine, config, 1)) {
      return new MultiScaleRetention(engine, weights).forward(new RecurrentForm(), x, state);
    }
  }

  /** In float64 squares leave the range beyond 1e154. */
  @Test
  void float64NormOfLargeNumbersIsRight() {
    RetentionConfig config =
        RetentionConfig.builder(16, 2).keyWidth(8).valueWidth(8).gate(Activation.NONE).build();
    RetentionParameters parameters = RetentionParameters.random(config, 7);
    INDArray x = Tensors.gaussian(3, DataType.DOUBLE, 1, 5, 16);
    INDArray expected =
        forward(Engines.float64(), config, parameters, WeightType.FLOAT64, x.mul(1e20));
    INDArray y = forward(Engines.float64(), config, parameters, WeightType.FLOAT64, x.mul(1e60));
    assertThat(y).isCloseTo(expected, Tolerance.block(DataType.DOUBLE));
  }
}
