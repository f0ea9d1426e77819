package org.retention4j.forms;

import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateConvention;
import org.retention4j.core.reference.ReferenceGradient;
import org.retention4j.core.reference.ReferenceRetention;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Gradients of the core against numbers that independent float64 code computed. */
class GoldenGradientTest {
  private static final List<String> CASES =
      List.of("gated", "grouped-linspace", "one", "pow2", "resets");

  /** Of gradients against golden numbers, see docs/numerics.md. */
  private static final Tolerance FLOAT64 = Tolerance.of("float64 gradient", 1e-11);

  /** fp32 against float64 on the same fp32 inputs. */
  private static final Tolerance FLOAT32 = Tolerance.of("fp32 gradient", 2e-6);

  /** The one number of a constant decay: a sum over all tokens, most of which cancels. */
  private static final Tolerance FLOAT32_DECAY = Tolerance.of("fp32 gradient of ln γ", 1e-5);

  private record Case(
      RetentionCall call, INDArray initial, INDArray dOutput, INDArray dFinalState) {
    static Case read(String name) {
      INDArray q = npy(name, "q");
      INDArray v = npy(name, "v");
      INDArray g = npy(name, "log_decay");
      LogDecay decay = g.rank() == 1 ? LogDecay.perHead(g.toDoubleVector()) : LogDecay.perToken(g);
      INDArray initial =
          Npy.exists(path(name, "initial_state"))
              ? npy(name, "initial_state")
              : Nd4j.zeros(DataType.DOUBLE, q.size(0), q.size(2), q.size(3), v.size(3));
      return new Case(
          RetentionCall.of(q, npy(name, "k"), v, decay),
          initial,
          npy(name, "d_output"),
          npy(name, "d_final_state"));
    }

    Case in(DataType type) {
      LogDecay decay = call.decay();
      RetentionCall typed =
          RetentionCall.of(
              call.q().castTo(type),
              call.k().castTo(type),
              call.v().castTo(type),
              decay instanceof LogDecay.PerToken g
                  ? LogDecay.perToken(g.values().castTo(type))
                  : decay);
      return new Case(
          typed.withScale(call.scale()),
          initial.castTo(type),
          dOutput.castTo(type),
          dFinalState.castTo(type));
    }

    RetentionCore.Gradient reference() {
      return ReferenceGradient.backward(call, initial, dOutput, dFinalState);
    }
  }

  private static String path(String name, String array) {
    return "/golden/gradient/" + name + "/" + array + ".npy";
  }

  private static INDArray npy(String name, String array) {
    return Npy.read(path(name, array));
  }

  static Stream<String> cases() {
    return CASES.stream();
  }

  static Stream<Arguments> casesAndVariants() {
    return CASES.stream()
        .flatMap(name -> Variant.all().stream().map(variant -> Arguments.of(name, variant)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void referenceGivesTheGoldenGradients(String name) {
    RetentionCore.Gradient result = Case.read(name).reference();
    checkGolden(name, result, FLOAT64);
  }

  private static void checkGolden(String name, RetentionCore.Gradient result, Tolerance tolerance) {
    assertThat(result.q()).as("dq").isCloseTo(npy(name, "dq"), tolerance);
    assertThat(result.k()).as("dk").isCloseTo(npy(name, "dk"), tolerance);
    assertThat(result.v()).as("dv").isCloseTo(npy(name, "dv"), tolerance);
    assertThat(asState(result.logDecay()))
        .as("dg")
        .isStateCloseTo(asState(npy(name, "d_log_decay")), tolerance);
    if (Npy.exists(path(name, "d_initial_state"))) {
      assertThat(result.initialState())
          .as("dS_0")
          .isStateCloseTo(npy(name, "d_initial_state"), tolerance);
    }
  }

  /** A head's numbers together: (1,H,1,·) or (B,H,1,T). */
  private static INDArray asState(INDArray dg) {
    return dg.rank() == 1
        ? dg.reshape(1, dg.size(0), 1, 1)
        : dg.permute(0, 2, 1).dup('c').reshape(dg.size(0), dg.size(2), 1, dg.size(1));
  }

  @ParameterizedTest
  @MethodSource("casesAndVariants")
  void formGivesTheGoldenGradients(String name, Variant variant) {
    Case golden = Case.read(name);
    if (variant.dataType() == DataType.DOUBLE) {
      checkGolden(name, backward(golden, variant), FLOAT64);
      return;
    }
    Case rounded = golden.in(DataType.FLOAT);
    RetentionCore.Gradient expected = rounded.reference();
    RetentionCore.Gradient result = backward(rounded, variant);
    assertThat(result.q()).as("dq").isCloseTo(expected.q(), FLOAT32);
    assertThat(result.k()).as("dk").isCloseTo(expected.k(), FLOAT32);
    assertThat(result.v()).as("dv").isCloseTo(expected.v(), FLOAT32);
    assertThat(asState(result.logDecay()))
        .as("dg")
        .isStateCloseTo(
            asState(expected.logDecay()),
            rounded.call.decay() instanceof LogDecay.PerHead ? FLOAT32_DECAY : FLOAT32);
    assertThat(result.initialState()).as("dS_0").isStateCloseTo(expected.initialState(), FLOAT32);
  }

  private static RetentionCore.Gradient backward(Case c, Variant variant) {
    return backward(c.call, c.initial, c.dOutput, c.dFinalState, variant);
  }

  private static RetentionCore.Gradient backward(
      RetentionCall call, INDArray initial, INDArray dOutput, INDArray dFinal, Variant variant) {
    RetentionCore core = new RetentionCore(variant.engine(), variant.form());
    try (RetentionState state =
        RetentionState.of(
            variant.engine(), initial, new long[(int) initial.size(0)], StateConvention.PLAIN)) {
      return core.backward(call, state, dOutput, dFinal);
    }
  }

  /** Cut anywhere, the state handed on and its gradient handed back: the same gradients. */
  @ParameterizedTest
  @MethodSource("casesAndVariants")
  void segmentsChain(String name, Variant variant) {
    if (variant.dataType() != DataType.DOUBLE) {
      return;
    }
    Case whole = Case.read(name);
    int tokens = (int) whole.call.q().size(1);
    for (int split = 1; split < tokens; split += 5) {
      RetentionCall first = tokens(whole.call, 0, split);
      RetentionCall rest = tokens(whole.call, split, tokens);
      INDArray between = ReferenceRetention.advance(first, whole.initial).state();
      RetentionCore.Gradient later =
          backward(
              rest,
              between,
              Tensors.tokens(whole.dOutput, split, tokens),
              whole.dFinalState,
              variant);
      RetentionCore.Gradient earlier =
          backward(
              first,
              whole.initial,
              Tensors.tokens(whole.dOutput, 0, split),
              later.initialState(),
              variant);
      assertThat(Tensors.concatTokens(earlier.q(), later.q()))
          .as("dq, split at %d", split)
          .isCloseTo(npy(name, "dq"), FLOAT64);
      assertThat(Tensors.concatTokens(earlier.k(), later.k())).isCloseTo(npy(name, "dk"), FLOAT64);
      assertThat(Tensors.concatTokens(earlier.v(), later.v())).isCloseTo(npy(name, "dv"), FLOAT64);
      if (Npy.exists(path(name, "d_initial_state"))) {
        assertThat(earlier.initialState()).isStateCloseTo(npy(name, "d_initial_state"), FLOAT64);
      }
    }
  }

  private static RetentionCall tokens(RetentionCall call, int from, int to) {
    LogDecay decay = call.decay();
    return RetentionCall.of(
            Tensors.tokens(call.q(), from, to),
            Tensors.tokens(call.k(), from, to),
            Tensors.tokens(call.v(), from, to),
            decay instanceof LogDecay.PerToken g
                ? LogDecay.perToken(Tensors.tokens(g.values(), from, to))
                : decay)
        .withScale(call.scale());
  }
}
