package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** What resets are, and what they do to states and positions; the kit has what they compute. */
class ResetsTest {
  private static final int T = 40;
  private static final LogDecay.PerHead DECAY = (LogDecay.PerHead) LogDecay.perHead(-0.1, -0.01);

  static java.util.List<Variant> variants() {
    return Variant.all();
  }

  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }

  private static RetentionCall call(DataType type) {
    return RetentionCall.of(
        Tensors.gaussian(1, type, 2, T, 2, 4),
        Tensors.gaussian(2, type, 2, T, 2, 4),
        Tensors.gaussian(3, type, 2, T, 2, 6),
        DECAY);
  }

  @Test
  void aMaskAndCumulativeLengthsSayTheSame() {
    boolean[][] mask = new boolean[2][7];
    mask[0][0] = true;
    mask[0][3] = true;
    mask[1][0] = true;
    mask[1][5] = true;
    mask[1][6] = true;
    Resets resets = Resets.cumulative(new int[] {0, 3, 3, 7}, new int[] {0, 5, 6, 7, 7});
    assertThat(resets).isEqualTo(Resets.mask(mask)).hasSameHashCodeAs(Resets.mask(mask));
    assertThat(resets).hasToString("resets before tokens [[0, 3], [0, 5, 6]]");
    assertThat(resets.at(0, 3)).isTrue();
    assertThat(resets.at(1, 3)).isFalse();
    assertThat(resets.tokens(3, 6).at(0, 0)).isTrue();
    assertThat(resets.tokens(3, 6).at(1, 2)).isTrue();
    assertThat(resets.tokens(3, 6).fits(2, 3)).isTrue();
    assertThat(resets.row(1).at(0, 6)).isTrue();
    assertThat(resets.isEmpty()).isFalse();
    assertThat(Resets.none().isEmpty()).isTrue();
    assertThat(Resets.mask(new boolean[2][7]).isEmpty()).isTrue();
    assertThat(Resets.none().fits(5, 9)).isTrue();
  }

  @Test
  void refusesWhatIsNoRowOfSequences() {
    refuses(() -> Resets.cumulative(new int[] {1, 4}), "start at 0", "[1, 4]", "row 0");
    refuses(() -> Resets.cumulative(new int[0]), "start at 0", "[]");
    refuses(
        () -> Resets.cumulative(new int[] {0, 9}, new int[] {0, 5, 4, 9}),
        "do not fall",
        "4 after 5 in row 1");
    refuses(
        () -> Resets.cumulative(new int[] {0, 9}, new int[] {0, 8}), "end at T = 9", "8 in row 1");
    refuses(() -> Resets.mask(new boolean[][] {{true}, {true, false}}), "1 tokens", "2 in row 1");
    refuses(() -> Resets.mask(new boolean[0][]), "no rows");
    refuses(Resets::cumulative, "got none");
    refuses(() -> Resets.mask(null), "got null");
    Resets two = Resets.mask(new boolean[2][7]);
    refuses(() -> two.row(2), "rows in 0..1, got 2");
    refuses(() -> two.at(-1, 0), "rows in 0..1, got -1");
    refuses(() -> two.tokens(3, 8), "<= T = 7", "3 and 8");
    refuses(() -> Resets.none().tokens(2, 1), "from <= to", "2 and 1");
    RetentionCall call = call(DataType.FLOAT);
    refuses(
        () -> call.withResets(Resets.cumulative(new int[] {0, T})),
        "B = 2 rows of T = 40",
        "1 rows of 40");
    refuses(() -> call.withResets(Resets.mask(new boolean[2][T - 1])), "T = 40", "2 rows of 39");
    refuses(() -> call.withResets(null), "resets, got null");
    BlockInput input = BlockInput.of(Nd4j.zeros(2, 5, 4));
    refuses(() -> input.withResets(Resets.mask(new boolean[3][5])), "B = 2", "3 rows of 5");
  }

  @ParameterizedTest
  @MethodSource("variants")
  void positionsStartAgain(Variant variant) {
    RetentionCall call =
        call(variant.dataType())
            .withResets(Resets.cumulative(new int[] {0, 13, T}, new int[] {0, 38, 39, T}))
            .withLengths(T, 30);
    try (RetentionState state =
        RetentionState.of(
            variant.engine(),
            Tensors.gaussian(4, variant.dataType(), 2, 2, 4, 6),
            new long[] {7, 9},
            StateConvention.PLAIN)) {
      new RetentionCore(variant.engine(), variant.form()).advance(call, state);
      assertThat(state.position(0)).isEqualTo(T - 13);
      // The first sequence of row 1 begins anew too, and padding begins none.
      assertThat(state.position(1)).isEqualTo(30);
    }
  }

  /** A head that forgets by itself moves no position, all heads at once do. */
  @Test
  void aPositionStartsAgainWhereAllHeadsDo() {
    INDArray g = Nd4j.valueArrayOf(new long[] {2, T, 2}, -0.1, DataType.DOUBLE);
    g.putScalar(0, 11, 1, Double.NEGATIVE_INFINITY);
    g.putScalar(1, 11, 0, Double.NEGATIVE_INFINITY);
    g.putScalar(1, 11, 1, Double.NEGATIVE_INFINITY);
    RetentionCall constant = call(DataType.FLOAT);
    RetentionCall call =
        RetentionCall.of(constant.q(), constant.k(), constant.v(), LogDecay.perToken(g));
    try (RetentionState state = RetentionState.zeros(Engines.plain(), 2, 2, 4, 6)) {
      new RetentionCore(Engines.plain(), new RecurrentForm()).advance(call, state);
      assertThat(state.position(0)).isEqualTo(T);
      assertThat(state.position(1)).isEqualTo(T - 11);
    }
  }

  /** Of the segment before a reset nothing is left, not even a NaN. */
  @ParameterizedTest
  @MethodSource("variants")
  void segmentsJoinAcrossResets(Variant variant) {
    RetentionCore core = new RetentionCore(variant.engine(), variant.form());
    RetentionCall call =
        call(variant.dataType())
            .withResets(Resets.cumulative(new int[] {0, 25, T}, new int[] {0, T}));
    call.v().putScalar(new int[] {0, 10, 0, 0}, Double.NaN); // before row 0's reset
    try (RetentionState whole = RetentionState.zeros(variant.engine(), 2, 2, 4, 6);
        RetentionState first = RetentionState.zeros(variant.engine(), 2, 2, 4, 6);
        RetentionState next =
            RetentionState.zeros(variant.engine(), 2, 2, 4, 6, StateConvention.PLAIN, 20)) {
      core.advance(call, whole);
      core.advance(tokens(call, 0, 20), first);
      core.advance(tokens(call, 20, T), next);
      try (RetentionState joined = first.join(next)) {
        assertThat(joined.toArray())
            .isStateCloseTo(whole.toArray(), Tolerance.reference(variant.dataType(), true, T));
        assertThat(joined.position(0)).isEqualTo(T - 25);
        assertThat(joined.position(1)).isEqualTo(T);
      }
    }
  }

  private static RetentionCall tokens(RetentionCall call, int from, int to) {
    return RetentionCall.of(
            Tensors.tokens(call.q(), from, to),
            Tensors.tokens(call.k(), from, to),
            Tensors.tokens(call.v(), from, to),
            call.decay())
        .withScale(call.scale())
        .withResets(call.resets().tokens(from, to));
  }

  /** The bits of the sequences one by one where no product sees more than one of them. */
  @Test
  void theRecurrentFormGivesTheBitsOfTheSequencesApart() {
    Variant variant = new Variant(Engines.float64(), new RecurrentForm());
    RetentionCore core = new RetentionCore(variant.engine(), variant.form());
    RetentionCall call = call(DataType.DOUBLE);
    int[] ends = {0, 1, 17, T};
    INDArray packed;
    try (RetentionState state = RetentionState.zeros(variant.engine(), 2, 2, 4, 6)) {
      packed = core.advance(call.withResets(Resets.cumulative(ends, ends)), state);
    }
    for (int i = 0; i < 3; i++) {
      try (RetentionState state = RetentionState.zeros(variant.engine(), 2, 2, 4, 6)) {
        INDArray alone = core.advance(tokens(call, ends[i], ends[i + 1]), state);
        assertThat(
                Arrays.equals(
                    Tensors.flat(alone),
                    Tensors.flat(Tensors.tokens(packed, ends[i], ends[i + 1]))))
            .as("sequence " + i)
            .isTrue();
      }
    }
  }

  /** One row begins anew, in the middle of what is pending and whatever it held; others go on. */
  @ParameterizedTest
  @MethodSource("variants")
  void aRowBeginsAnewWhileOthersGoOn(Variant variant) {
    DataType type = variant.dataType();
    RetentionCore core = new RetentionCore(variant.engine(), variant.form());
    RetentionCall call = call(type);
    RetentionCall first = tokens(call, 0, 23);
    RetentionCall rest = tokens(call, 23, T);
    INDArray spoilt = first.v().dup();
    spoilt.putScalar(new int[] {1, 20, 0, 0}, Double.NaN);
    try (RetentionState state = RetentionState.zeros(variant.engine(), 2, 2, 4, 6);
        RetentionState whole = RetentionState.zeros(variant.engine(), 2, 2, 4, 6);
        RetentionState fresh = RetentionState.zeros(variant.engine(), 2, 2, 4, 6)) {
      core.advance(RetentionCall.of(first.q(), first.k(), spoilt, DECAY), state);
      core.advance(first, whole);
      state.reset(1);
      assertThat(state.position(0)).isEqualTo(23);
      assertThat(state.position(1)).isZero();
      INDArray went = core.advance(rest, state);
      INDArray expected = core.advance(rest, whole);
      INDArray anew = core.advance(rest, fresh);
      Tolerance tolerance = Tolerance.reference(type, true, T);
      assertThat(Tensors.rows(went, 0, 1)).isCloseTo(Tensors.rows(expected, 0, 1), tolerance);
      assertThat(Tensors.rows(went, 1, 2)).isCloseTo(Tensors.rows(anew, 1, 2), tolerance);
      assertThat(state.position(1)).isEqualTo(T - 23);
      refuses(() -> state.reset(2), "rows in 0..1, got 2");
      refuses(() -> state.reset(-1), "got -1");
    }
  }
}
