package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.RetentionCore;

/**
 * The suite that the backward pass of a form has to pass: with P_T = scale·q_Tᵀ do_T + dS_T and P_t
 * = scale·q_tᵀ do_t + e^(g_(t+1)) P_(t+1),
 *
 * <pre>
 * dq_t = scale·do_t S_tᵀ   dk_t = v_t P_tᵀ   dv_t = k_t P_t   dS_0 = e^(g_1) P_1   dg_t = ⟨e^(g_t) S_(t−1), P_t⟩
 * </pre>
 *
 * <p>Implement {@link #backward(BackwardCall)} in a JUnit 5 test class and inherit the tests. A
 * backward pass that drops the gradient of the state at a chunk's edge, decays by the wrong end,
 * counts shared keys once or lets padding through fails it.
 *
 * @since 0.1
 */
public interface RetentionBackwardContract {
  /**
   * Takes gradients back.
   *
   * @param call its arrays are of {@link #dataType()} (a per-token log decay may be either type)
   *     and must not be modified
   * @return gradients, new arrays of {@link #dataType()}; that of the log decays (H) where they are
   *     constant, (B,T,H) where they are not
   * @throws IllegalArgumentException if anything does not fit together
   */
  RetentionCore.Gradient backward(BackwardCall call);

  /** Returns what is computed in: FLOAT (the default) or DOUBLE. */
  default DataType dataType() {
    return DataType.FLOAT;
  }

  /** Returns the chunk sizes to try, each at least 1; none by default. */
  default int[] chunkSizes() {
    return new int[0];
  }

  /** Takes gradients back with a chunk size of {@link #chunkSizes()}; the default ignores it. */
  default RetentionCore.Gradient backward(BackwardCall call, int chunk) {
    return backward(call);
  }

  /** All gradients are the reference's. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.All.class)
  default void equalsTheReference(FormCase sizes) {
    BackwardCall call = BackwardCall.of(sizes, dataType());
    GradientChecks.assertClose(backward(call), call.reference(), call);
  }

  /** The scale is a factor of what comes from the outputs, and not of what comes from the state. */
  @Test
  default void scalesWhatComesFromTheOutputs() {
    BackwardCall call = call(FormCase.of(1, 9, 2, 1, 5, 3, FormCase.Decay.PER_TOKEN));
    for (double scale : new double[] {1, -2, 0}) {
      BackwardCall scaled = call.withForward(call.forward().withScale(scale));
      GradientChecks.assertClose(backward(scaled), scaled.reference(), scaled);
    }
  }

  /** Every chunk size gives the reference's gradients. */
  @TestFactory
  default Stream<DynamicTest> equalsTheReferenceAtEveryChunkSize() {
    BackwardCall call = call(FormCase.of(2, 65, 2, 1, 5, 3, FormCase.Decay.PER_TOKEN));
    BackwardCall packed =
        call(FormCase.of(1, 65, 2, 1, 5, 3, FormCase.Decay.POW2).packed(new int[] {0, 3, 9, 65}));
    return Arrays.stream(chunkSizes())
        .mapToObj(
            chunk ->
                DynamicTest.dynamicTest(
                    "chunk " + chunk,
                    () -> {
                      GradientChecks.assertClose(backward(call, chunk), call.reference(), call);
                      GradientChecks.assertClose(
                          backward(packed, chunk), packed.reference(), packed);
                    }));
  }

  /** A sequence cut at any token: the state is handed on, its gradient is handed back. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void handsGradientsBackAtEverySplit(FormCase sizes) {
    BackwardCall whole = call(sizes);
    RetentionCore.Gradient expected = whole.reference();
    int tokens = whole.tokens();
    for (int split = 0; split <= tokens; split += tokens > 40 ? 9 : 1) {
      FormCall first = whole.forward().tokens(0, split);
      INDArray between = first.reference().state().castTo(dataType());
      FormCall rest = whole.forward().tokens(split, tokens).withState(between);
      INDArray[] dOutput = {
        Tensors.tokens(whole.dOutput(), 0, split), Tensors.tokens(whole.dOutput(), split, tokens)
      };
      RetentionCore.Gradient later = backward(new BackwardCall(rest, dOutput[1], whole.dState()));
      RetentionCore.Gradient earlier =
          backward(new BackwardCall(first, dOutput[0], later.initialState()));
      RetentionCore.Gradient joined =
          new RetentionCore.Gradient(
              Tensors.concatTokens(earlier.q(), later.q()),
              Tensors.concatTokens(earlier.k(), later.k()),
              Tensors.concatTokens(earlier.v(), later.v()),
              whole.forward().constantDecay()
                  ? earlier.logDecay().add(later.logDecay())
                  : Tensors.concatTokens(earlier.logDecay(), later.logDecay()),
              earlier.initialState());
      GradientChecks.assertClose(joined, expected, whole);
    }
  }

  /** An output's gradient reaches what came before it, and nothing that came after. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void reachesNoLaterToken(FormCase sizes) {
    BackwardCall call = call(sizes);
    int tokens = call.tokens();
    INDArray nothing = call.dState().mul(0);
    for (int at = 0; at < tokens; at += 1 + tokens / 8) {
      int[] upTo = new int[(int) call.dOutput().size(0)];
      Arrays.fill(upTo, at + 1);
      BackwardCall early =
          call.withState(nothing).withOutput(FormChecks.fillPadding(call.dOutput(), upTo, 0));
      RetentionCore.Gradient result = backward(early);
      for (INDArray gradient : List.of(result.q(), result.k(), result.v())) {
        assertThat(FormChecks.fillPadding(gradient, upTo, 0))
            .as("gradients, of which those behind token %d are 0", at)
            .isEqualTo(gradient);
      }
      GradientChecks.assertClose(result, early.reference(), early);
    }
  }

  /** A NaN in one row leaves the gradients of the others as they are, to the bit. */
  @Test
  default void keepsNaNInItsRow() {
    BackwardCall call = call(FormCase.of(3, 40, 2, 1, 5, 3, FormCase.Decay.POW2));
    RetentionCore.Gradient clean = backward(call);
    long place = call.dOutput().length() / 3 + 7;
    RetentionCore.Gradient result =
        backward(call.withOutput(Tensors.with(call.dOutput(), place, Double.NaN)));
    for (int b = 0; b < 3; b += 2) {
      GradientChecks.assertSameRow(result, clean, b);
    }
    assertThat(Tensors.flat(Tensors.rows(result.q(), 1, 2))).contains(Double.NaN);
  }

  /**
   * A NaN of one token reaches what is computed from it and nothing else: other heads keep their
   * bits, and of its own head dq_i knows dO_i, k_j and v_j of j ≤ i, and dk_j and dv_j know q_i and
   * dO_i of i ≥ j; no gradient of keys knows keys, none of values values.
   */
  @ParameterizedTest
  @EnumSource(names = {"POW2", "PER_TOKEN"})
  default void keepsNaNFromWhatDoesNotDependOnIt(FormCase.Decay decay) {
    int tokens = 40;
    int at = 21;
    BackwardCall call = call(FormCase.of(1, tokens, 2, 2, 5, 3, decay));
    FormCall forward = call.forward();
    RetentionCore.Gradient clean = backward(call);
    int key = (at * 2 + 1) * 5 + 2;
    int value = (at * 2 + 1) * 3 + 1;
    RetentionCore.Gradient ofQ =
        backward(call.withForward(forward.withQ(Tensors.with(forward.q(), key, Double.NaN))));
    GradientChecks.assertTokensKept(ofQ, clean, new int[] {0, 0}, new int[] {0, at + 1});
    RetentionCore.Gradient ofOut =
        backward(call.withOutput(Tensors.with(call.dOutput(), value, Double.NaN)));
    GradientChecks.assertTokensKept(ofOut, clean, new int[] {at, at + 1}, new int[] {0, at + 1});
    RetentionCore.Gradient ofK =
        backward(call.withForward(forward.withK(Tensors.with(forward.k(), key, Double.NaN))));
    GradientChecks.assertTokensKept(ofK, clean, new int[] {at, tokens}, new int[] {at, at + 1});
    RetentionCore.Gradient ofV =
        backward(call.withForward(forward.withV(Tensors.with(forward.v(), value, Double.NaN))));
    GradientChecks.assertTokensKept(ofV, clean, new int[] {at, tokens}, new int[] {at, at + 1});
  }

  /** Padding has no gradient, gives none, and decays nothing. */
  @Test
  default void leavesPaddingAlone() {
    BackwardCall call =
        call(FormCase.of(3, 66, 2, 2, 5, 3, FormCase.Decay.POW2).lengths(66, 0, 41));
    RetentionCore.Gradient expected = call.reference();
    for (double value : new double[] {0, 1e3, Double.NaN}) {
      int[] lengths = call.forward().lengths();
      UnaryOperator<INDArray> fill = x -> FormChecks.fillPadding(x, lengths, value);
      FormCall forward = call.forward();
      BackwardCall padded =
          call.withForward(
                  forward
                      .withQ(fill.apply(forward.q()))
                      .withK(fill.apply(forward.k()))
                      .withV(fill.apply(forward.v())))
              .withOutput(fill.apply(call.dOutput()));
      RetentionCore.Gradient result = backward(padded);
      GradientChecks.assertClose(result, expected, call);
      assertThat(Tensors.rows(result.initialState(), 1, 2))
          .as("gradient of the state of a row without tokens")
          .isEqualTo(Tensors.rows(call.dState(), 1, 2));
    }
  }

  /** What a reset drops has no gradient, be it NaN, and gives none. */
  @ParameterizedTest
  @EnumSource(names = {"POW2", "PER_TOKEN", "ONE"})
  default void crossesNoReset(FormCase.Decay decay) {
    int reset = 37;
    BackwardCall call =
        call(FormCase.of(1, 70, 2, 1, 5, 3, decay).packed(new int[] {0, reset, 70}));
    RetentionCore.Gradient clean = backward(call);
    FormCall forward = call.forward();
    BackwardCall spoilt =
        call.withForward(forward.withK(Tensors.with(forward.k(), 12, Double.NaN)));
    RetentionCore.Gradient result = backward(spoilt);
    assertThat(Tensors.tokens(result.k(), reset, 70))
        .isEqualTo(Tensors.tokens(clean.k(), reset, 70));
    assertThat(Tensors.tokens(result.v(), reset, 70))
        .isEqualTo(Tensors.tokens(clean.v(), reset, 70));
    assertThat(Tensors.tokens(result.q(), reset, 70))
        .isEqualTo(Tensors.tokens(clean.q(), reset, 70));
    RetentionCore.Gradient other = backward(call.withState(call.dState().mul(-3)));
    assertThat(Tensors.tokens(other.k(), 0, reset))
        .as("before the reset, with another gradient of the final state")
        .isEqualTo(Tensors.tokens(clean.k(), 0, reset));
  }

  /** No tokens: the gradient of the state goes through, to the bit. */
  @Test
  default void acceptsNoTokens() {
    BackwardCall call = call(FormCase.of(2, 0, 2, 1, 5, 3, FormCase.Decay.POW2));
    RetentionCore.Gradient result = backward(call);
    assertThat(result.q()).hasShape(2, 0, 2, 5);
    assertThat(result.initialState()).isEqualTo(call.dState());
    assertThat(Tensors.flat(result.logDecay())).containsExactly(0, 0);
  }

  /** Inputs are not modified, states and gradients included. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void leavesItsInputsAlone(FormCase sizes) {
    BackwardCall call = call(sizes);
    BackwardCall before = call(sizes);
    backward(call);
    assertThat(call.forward().q()).as("q").isEqualTo(before.forward().q());
    assertThat(call.forward().k()).as("k").isEqualTo(before.forward().k());
    assertThat(call.forward().v()).as("v").isEqualTo(before.forward().v());
    assertThat(call.forward().state()).as("state").isEqualTo(before.forward().state());
    assertThat(call.dOutput()).as("dOutput").isEqualTo(before.dOutput());
    assertThat(call.dState()).as("dState").isEqualTo(before.dState());
  }

  /** Views with any strides give the bits that dense arrays give. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void acceptsViews(FormCase sizes) {
    BackwardCall call = call(sizes);
    FormCall forward = call.forward();
    BackwardCall views =
        new BackwardCall(
            forward
                .withQ(Tensors.strided(forward.q()))
                .withK(Tensors.strided(forward.k()))
                .withV(Tensors.strided(forward.v())),
            Tensors.strided(call.dOutput()),
            Tensors.strided(call.dState()));
    GradientChecks.assertSame(backward(views), backward(call));
  }

  /** What does not fit is an IllegalArgumentException with a message. */
  @Test
  default void refusesGradientsOfOtherShapes() {
    BackwardCall call = call(FormCase.of(2, 6, 2, 1, 5, 3, FormCase.Decay.POW2));
    DataType type = dataType();
    DataType other = type == DataType.FLOAT ? DataType.DOUBLE : DataType.FLOAT;
    for (BackwardCall bad :
        new BackwardCall[] {
          call.withOutput(Tensors.gaussian(1, type, 2, 7, 2, 3)),
          call.withOutput(Tensors.gaussian(1, type, 2, 6, 2, 5)),
          call.withOutput(Tensors.gaussian(1, type, 2, 6, 6)),
          call.withOutput(call.dOutput().castTo(other)),
          call.withState(Tensors.gaussian(1, type, 2, 2, 3, 5)),
          call.withState(Tensors.gaussian(1, type, 1, 2, 5, 3)),
          call.withState(call.dState().castTo(other))
        }) {
      assertThatThrownBy(() -> backward(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching("(?s).*[a-z].*");
    }
  }

  private BackwardCall call(FormCase sizes) {
    return BackwardCall.of(sizes, dataType());
  }
}
