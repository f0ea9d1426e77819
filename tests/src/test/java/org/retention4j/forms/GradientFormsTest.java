package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateConvention;
import org.retention4j.core.reference.ReferenceGradient;
import org.retention4j.engine.HeldMemory;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Every form's backward pass against plain float64, with sizes that hurt. */
class GradientFormsTest {
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int KEY_WIDTH = 5;
  private static final int VALUE_WIDTH = 6;

  /** What is taken back: T, whether decays are per token, and what parts the rows. */
  private record Case(String name, int tokens, boolean perToken, Resets resets, int[] lengths) {
    static Case of(String name, int tokens, boolean perToken) {
      return new Case(name, tokens, perToken, Resets.none(), new int[] {tokens, tokens});
    }

    RetentionCall call(DataType type) {
      INDArray q = Tensors.gaussian(1, type, 2, tokens, HEADS, KEY_WIDTH);
      INDArray k = Tensors.gaussian(2, type, 2, tokens, KV_HEADS, KEY_WIDTH);
      INDArray v = Tensors.gaussian(3, type, 2, tokens, KV_HEADS, VALUE_WIDTH);
      RetentionCall call = RetentionCall.of(q, k, v, decay(type)).withLengths(lengths);
      return resets.isEmpty() ? call : call.withResets(resets);
    }

    private LogDecay decay(DataType type) {
      if (!perToken) {
        return LogDecay.perHead(0, -1.0 / 512, -0.1, -2);
      }
      Random random = new Random(4);
      double[] g = new double[2 * tokens * HEADS];
      for (int i = 0; i < g.length; i++) {
        g[i] = -0.3 * Math.abs(random.nextGaussian());
        g[i] = i % 97 == 50 ? Double.NEGATIVE_INFINITY : i % 11 == 3 ? 0 : g[i];
      }
      return LogDecay.perToken(Tensors.of(g, type, 2, tokens, HEADS));
    }

    INDArray state(DataType type, long seed) {
      return Tensors.gaussian(seed, type, 2, HEADS, KEY_WIDTH, VALUE_WIDTH);
    }

    INDArray dOutput(DataType type) {
      return Tensors.gaussian(5, type, 2, tokens, HEADS, VALUE_WIDTH);
    }

    @Override
    public String toString() {
      return name + " T=" + tokens;
    }
  }

  static Stream<Case> cases() {
    Resets packed =
        Resets.cumulative(
            new int[] {0, 1, 32, 33, 63, 64, 65, 129, 130}, new int[] {0, 7, 128, 130});
    return Stream.of(
        Case.of("constant", 1, false),
        Case.of("constant", 7, false),
        Case.of("constant", 65, false),
        Case.of("constant", 130, false),
        Case.of("per token", 1, true),
        Case.of("per token", 65, true),
        Case.of("per token", 130, true),
        new Case("packed", 130, false, packed, new int[] {130, 130}),
        new Case("packed, per token", 130, true, packed, new int[] {130, 130}),
        new Case("lengths", 65, false, Resets.none(), new int[] {64, 0}),
        new Case("packed, lengths", 130, true, packed, new int[] {1, 127}));
  }

  static Stream<Arguments> casesAndVariants() {
    return cases().flatMap(c -> Variant.all().stream().map(variant -> Arguments.of(c, variant)));
  }

  private static RetentionCore.Gradient backward(
      Variant variant, RetentionCall call, INDArray initial, INDArray dOutput, INDArray dFinal) {
    try (RetentionState state =
        RetentionState.of(variant.engine(), initial, new long[2], StateConvention.PLAIN)) {
      RetentionCore.Gradient gradient =
          new RetentionCore(variant.engine(), variant.form())
              .backward(call, state, dOutput, dFinal);
      assertThat(state.toArray()).as("the state stays").isEqualTo(initial);
      return gradient;
    }
  }

  @ParameterizedTest
  @MethodSource("casesAndVariants")
  void equalsTheReference(Case c, Variant variant) {
    DataType type = variant.dataType();
    RetentionCall call = c.call(type);
    INDArray initial = c.state(type, 6);
    INDArray dFinal = c.state(type, 7);
    RetentionCore.Gradient result = backward(variant, call, initial, c.dOutput(type), dFinal);
    RetentionCore.Gradient expected =
        ReferenceGradient.backward(call, initial, c.dOutput(type), dFinal);
    double exact = c.perToken ? 1e-12 : 1e-13;
    Tolerance tolerance = Tolerance.of("gradient", type == DataType.DOUBLE ? exact : 2e-6);
    assertThat(result.q()).as("dq").isCloseTo(expected.q(), tolerance);
    assertThat(result.k()).as("dk").isCloseTo(expected.k(), tolerance);
    assertThat(result.v()).as("dv").isCloseTo(expected.v(), tolerance);
    assertThat(result.initialState()).as("dS_0").isStateCloseTo(expected.initialState(), tolerance);
    if (c.perToken) {
      assertThat(heads(result.logDecay()))
          .as("dg")
          .isStateCloseTo(heads(expected.logDecay()), tolerance);
    }
    long held = HeldMemory.liveBytes();
    backward(variant, call, initial, c.dOutput(type), dFinal);
    assertThat(HeldMemory.liveBytes()).as("what a second call leaves").isEqualTo(held);
  }

  /** A head's T numbers together, (B,H,1,T). */
  private static INDArray heads(INDArray dg) {
    return dg.permute(0, 2, 1).dup('c').reshape(2, HEADS, 1, dg.size(1));
  }

  /** A NaN in one row, or in padding, leaves the gradients of the other row as they are. */
  @ParameterizedTest
  @MethodSource("variants")
  void keepsNaNInItsRow(Variant variant) {
    DataType type = variant.dataType();
    Case c = new Case("lengths", 65, false, Resets.none(), new int[] {65, 40});
    RetentionCall call = c.call(type);
    INDArray dOutput = c.dOutput(type);
    RetentionCore.Gradient clean =
        backward(variant, call, c.state(type, 6), dOutput, c.state(type, 7));
    long padded = 65L * HEADS * VALUE_WIDTH + 50L * HEADS * VALUE_WIDTH;
    INDArray spoilt = Tensors.with(Tensors.with(dOutput, 3, Double.NaN), padded, Double.NaN);
    RetentionCore.Gradient result =
        backward(variant, call, c.state(type, 6), spoilt, c.state(type, 7));
    assertThat(Tensors.rows(result.q(), 1, 2)).isEqualTo(Tensors.rows(clean.q(), 1, 2));
    assertThat(Tensors.rows(result.k(), 1, 2)).isEqualTo(Tensors.rows(clean.k(), 1, 2));
    assertThat(Tensors.rows(result.v(), 1, 2)).isEqualTo(Tensors.rows(clean.v(), 1, 2));
    assertThat(Tensors.rows(result.initialState(), 1, 2))
        .isEqualTo(Tensors.rows(clean.initialState(), 1, 2));
    assertThat(Tensors.flat(Tensors.tokens(Tensors.rows(result.q(), 1, 2), 40, 65)))
        .as("padding")
        .containsOnly(0);
    assertThat(Tensors.flat(Tensors.rows(result.q(), 0, 1))).contains(Double.NaN);
  }

  static Stream<Variant> variants() {
    return Variant.all().stream();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void refusesWhatDoesNotFit(Variant variant) {
    DataType type = variant.dataType();
    Case c = Case.of("", 7, false);
    RetentionCall call = c.call(type);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                backward(
                    variant,
                    call,
                    c.state(type, 6),
                    Tensors.gaussian(1, type, 2, 8, HEADS, VALUE_WIDTH),
                    c.state(type, 7)))
        .withMessageContaining("[2, 7, 4, 6]")
        .withMessageContaining("[2, 8, 4, 6]");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                backward(
                    variant,
                    call,
                    c.state(type, 6),
                    c.dOutput(type),
                    Tensors.gaussian(1, type, 2, HEADS, VALUE_WIDTH, KEY_WIDTH)))
        .withMessageContaining("final state of shape [2, 4, 5, 6]")
        .withMessageContaining("[2, 4, 6, 5]");
  }
}
