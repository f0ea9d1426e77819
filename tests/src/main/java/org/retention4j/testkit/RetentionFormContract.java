package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;

/**
 * The suite that a form of retention has to pass: S_t = e^(g_t) S_(t−1) + k_tᵀ v_t and o_t = scale
 * · q_t S_t (arXiv 2307.08621, equation 6), however it arranges the work.
 *
 * <p>Implement {@link #advance(FormCall)} in a JUnit 5 test class and inherit the tests:
 *
 * <pre>{@code
 * class MyFormTest implements RetentionFormContract {
 *   public FormResult advance(FormCall call) {
 *     return myForm(call.q(), call.k(), call.v(), call.decay(), call.scale(), call.state(), call.lengths());
 *   }
 * }
 * }</pre>
 *
 * <p>A form that multiplies by a rounded γ, exponentiates a positive number, forgets a token at a
 * chunk's border or lets padding through fails it; the bounds are {@link Tolerance#reference} and
 * {@link Tolerance#forms}.
 *
 * @since 0.1
 */
public interface RetentionFormContract {
  /**
   * Advances a state over the tokens of a call.
   *
   * @param call its arrays are of {@link #dataType()} (a per-token log decay may be either type)
   *     and must not be modified
   * @return outputs and outgoing state, new arrays of {@link #dataType()}
   * @throws IllegalArgumentException if anything does not fit together
   */
  FormResult advance(FormCall call);

  /** Returns what the form computes in: FLOAT (the default) or DOUBLE. */
  default DataType dataType() {
    return DataType.FLOAT;
  }

  /** Returns the chunk sizes to try, each at least 1; none by default. */
  default int[] chunkSizes() {
    return new int[0];
  }

  /**
   * Advances a state with a chunk size of {@link #chunkSizes()}; the default ignores it.
   *
   * @param chunk tokens of a chunk, or of a block
   */
  default FormResult advance(FormCall call, int chunk) {
    return advance(call);
  }

  /**
   * Advances a state with another form of the same type, to which and from which states are handed
   * over; by default this one.
   */
  default FormResult advanceOtherForm(FormCall call) {
    return advance(call);
  }

  /** Outputs and outgoing state are the reference's. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.All.class)
  default void equalsTheReference(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult expected = call.reference();
    FormChecks.assertClose(advance(call), expected, call);
  }

  /** The scale is a factor of the outputs, any finite one, and does not reach the state. */
  @ParameterizedTest
  @ValueSource(doubles = {1, 0.37, -2, 0})
  default void multipliesOutputsByTheScale(double scale) {
    FormCall call = FormCase.of(1, 9, 2, 1, 5, 3, FormCase.Decay.POW2).call(dataType());
    FormCall scaled = call.withScale(scale);
    FormChecks.assertClose(advance(scaled), scaled.reference(), scaled);
  }

  /** Log decays are read in float64 where they are given so, and widened where in fp32. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  default void readsTokenDecaysOfEitherType(DataType type) {
    FormCall call = FormCase.of(2, 20, 2, 2, 4, 5, FormCase.Decay.PER_TOKEN).call(dataType());
    INDArray g = ((LogDecay.PerToken) call.decay()).values();
    FormCall typed = call.withDecay(LogDecay.perToken(g.castTo(type)));
    FormChecks.assertClose(advance(typed), typed.reference(), typed);
  }

  /** Every chunk size gives the reference's result, and so the same as every other. */
  @TestFactory
  default Stream<DynamicTest> equalsTheReferenceAtEveryChunkSize() {
    FormCall call = FormCase.of(2, 65, 2, 1, 5, 3, FormCase.Decay.PER_TOKEN).call(dataType());
    FormCall packed =
        call.withResets(Resets.cumulative(new int[] {0, 3, 9, 65}, new int[] {0, 65}));
    return Arrays.stream(chunkSizes())
        .mapToObj(
            chunk ->
                DynamicTest.dynamicTest(
                    "chunk " + chunk,
                    () -> {
                      FormChecks.assertClose(advance(call, chunk), call.reference(), call);
                      FormChecks.assertClose(advance(packed, chunk), packed.reference(), packed);
                    }));
  }

  /** A row of many sequences gives what each gives alone, wherever chunks begin. */
  @ParameterizedTest
  @EnumSource
  default void equalsThePackedSequencesApart(FormCase.Decay decay) {
    FormChecks.assertPacked(dataType(), decay, this::advance);
  }

  /** Nothing of what a reset drops remains, be it NaN or infinite. */
  @ParameterizedTest
  @EnumSource(names = {"POW2", "PER_TOKEN", "ONE", "RESETTING"})
  default void dropsWhatIsBeforeAReset(FormCase.Decay decay) {
    int reset = 41;
    FormCall clean =
        FormCase.of(1, 70, 2, 1, 5, 3, decay).packed(new int[] {0, reset, 70}).call(dataType());
    FormResult expected = FormChecks.after(clean.reference(), reset);
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      FormCall spoilt = FormChecks.spoilBefore(clean, reset, value);
      for (int split : new int[] {0, 1, reset - 1, reset, reset + 1}) {
        FormResult result = FormChecks.inPieces(spoilt, this::advance, this::advance, split);
        FormChecks.assertClose(FormChecks.after(result, reset), expected, clean, value + " before");
      }
    }
  }

  /** A sequence split at any token and continued gives what it gives unsplit. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void handsTheStateOverAtEverySplit(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult expected = call.reference();
    for (int split : FormChecks.splits(call.tokens())) {
      FormResult joined = FormChecks.inPieces(call, this::advance, this::advance, split);
      FormChecks.assertClose(joined, expected, call, "split at " + split);
    }
  }

  /** A sequence may go from one form to another and back at any token. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void handsTheStateOverToAnotherForm(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult expected = call.reference();
    for (int split : FormChecks.splits(call.tokens())) {
      FormResult there = FormChecks.inPieces(call, this::advance, this::advanceOtherForm, split);
      FormChecks.assertClose(there, expected, call, "to the other form at " + split);
      FormResult back = FormChecks.inPieces(call, this::advanceOtherForm, this::advance, split);
      FormChecks.assertClose(back, expected, call, "from the other form at " + split);
    }
  }

  /** Token by token gives what all tokens at once give. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void equalsItselfTokenByToken(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult joined = FormChecks.tokenByToken(call, this::advance);
    Tolerance tolerance = Tolerance.forms(dataType(), call.constantDecay(), call.tokens());
    FormResult whole = advance(call);
    assertThat(joined.output()).isCloseTo(whole.output(), tolerance);
    assertThat(joined.state()).isStateCloseTo(whole.state(), tolerance);
  }

  /** What comes later has no influence, be it NaN: on outputs before it, to no bit of meaning. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void doesNotSeeTheFuture(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult expected = call.reference();
    for (int from : FormChecks.splits(call.tokens())) {
      for (double value : new double[] {1e3, Double.NaN, Double.POSITIVE_INFINITY}) {
        FormResult result = advance(FormChecks.spoilFrom(call, from, value));
        assertThat(Tensors.tokens(result.output(), 0, from))
            .as("outputs before token %s, from which on inputs are %s", from, value)
            .isCloseTo(Tensors.tokens(expected.output(), 0, from), FormChecks.tolerance(call));
      }
    }
  }

  /** A NaN in the keys, values or queries of one row and head stays in that row and its heads. */
  @ParameterizedTest
  @ValueSource(strings = {"q", "k", "v", "state"})
  default void keepsNaNInItsRowAndHead(String input) {
    FormCall call = FormCase.of(3, 20, 4, 2, 5, 3, FormCase.Decay.PER_TOKEN).call(dataType());
    FormResult expected = call.reference();
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      FormResult result = advance(FormChecks.spoilOneHead(call, input, value));
      FormChecks.assertOtherHeadsClose(result, expected, call, input);
    }
  }

  /** A row of a batch gives what it gives alone. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void equalsEachRowAlone(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult together = advance(call);
    for (int b = 0; b < sizes.batch(); b++) {
      FormCall row = call.row(b);
      FormResult alone = advance(row);
      Tolerance tolerance = Tolerance.forms(dataType(), call.constantDecay(), call.tokens());
      assertThat(Tensors.rows(together.output(), b, b + 1)).isCloseTo(alone.output(), tolerance);
      assertThat(Tensors.rows(together.state(), b, b + 1)).isStateCloseTo(alone.state(), tolerance);
    }
  }

  /** Padding gives 0, is not read, and neither writes to a state nor decays it. */
  @ParameterizedTest
  @EnumSource(names = {"POW2", "PER_TOKEN"})
  default void leavesPaddingAlone(FormCase.Decay decay) {
    FormCall call = FormCase.of(4, 66, 2, 1, 3, 5, decay).lengths(66, 0, 5, 64).call(dataType());
    FormResult expected = call.reference();
    for (double value : new double[] {0, 1e3, Double.NaN}) {
      FormResult result = advance(FormChecks.padWith(call, value));
      FormChecks.assertPaddingIsZero(result.output(), call.lengths());
      FormChecks.assertClose(result, expected, call, "padding is " + value);
      assertThat(Tensors.rows(result.state(), 1, 2))
          .as("state of a row without tokens")
          .isEqualTo(Tensors.rows(call.state(), 1, 2));
    }
  }

  /** No tokens: no outputs, and the state comes out as it went in, to the bit. */
  @ParameterizedTest
  @EnumSource(names = {"POW2", "PER_TOKEN"})
  default void acceptsNoTokens(FormCase.Decay decay) {
    FormCall call = FormCase.of(2, 0, 2, 1, 3, 5, decay).call(dataType());
    FormResult result = advance(call);
    assertThat(result.output()).hasShape(2, 0, 2, 5).hasDataType(dataType());
    assertThat(result.state()).isEqualTo(call.state());
  }

  /** Results have the form's type and the shapes (B,T,H,V) and (B,H,K,V). */
  @Test
  default void givesShapesAndTypes() {
    FormResult result =
        advance(FormCase.of(2, 7, 4, 2, 3, 5, FormCase.Decay.POW2).call(dataType()));
    assertThat(result.output()).hasShape(2, 7, 4, 5).hasDataType(dataType()).isFinite();
    assertThat(result.state()).hasShape(2, 4, 3, 5).hasDataType(dataType()).isFinite();
  }

  /** Inputs are not modified, the incoming state included. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void leavesItsInputsAlone(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    advance(call);
    FormChecks.assertSameInputs(call, sizes.call(dataType()));
  }

  /** Views with any strides give the bits that dense arrays give. */
  @ParameterizedTest
  @ArgumentsSource(FormCase.Few.class)
  default void acceptsViews(FormCase sizes) {
    FormCall call = sizes.call(dataType());
    FormResult dense = advance(call);
    FormResult strided = advance(FormChecks.strided(call));
    assertThat(strided.output()).isEqualTo(dense.output());
    assertThat(strided.state()).isEqualTo(dense.state());
  }

  /** What does not fit is an IllegalArgumentException with a message, and the state stays as is. */
  @ParameterizedTest
  @EnumSource
  default void refuses(BadCall bad) {
    FormCall call = bad.call(dataType());
    INDArray before = Tensors.copy(call.state());
    assertThatThrownBy(() -> advance(call))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("(?s).*[a-z].*");
    assertThat(call.state()).isEqualTo(before);
  }

  /** Eight threads at once get the bits that each gets alone. */
  @Test
  default void worksFromManyThreads() throws InterruptedException {
    List<FormCall> calls = FormChecks.differentCalls(dataType(), 8);
    List<FormResult> alone = calls.stream().map(this::advance).toList();
    List<FormResult> together = FormChecks.atOnce(calls, this::advance, 4);
    assertThat(together).hasSize(4 * alone.size());
    for (int i = 0; i < together.size(); i++) {
      FormResult expected = alone.get(i % alone.size());
      assertThat(together.get(i).output()).isEqualTo(expected.output());
      assertThat(together.get(i).state()).isEqualTo(expected.state());
    }
  }
}
