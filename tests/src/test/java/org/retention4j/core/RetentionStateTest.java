package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Export, import, copy, composition and what a state refuses. */
class RetentionStateTest {
  private static final LogDecay DECAY = LogDecay.perHead(-0.1, -1.0 / 3000);
  private static final double SCALE = 0.5;

  static List<Variant> variants() {
    return Variant.engines().stream()
        .flatMap(
            engine ->
                List.of(new RecurrentForm(), new ParallelForm(7), new ChunkwiseForm(7)).stream()
                    .map(form -> new Variant(engine, form)))
        .toList();
  }

  /** B=2, H=2, K=3, V=5 over some tokens from zero. */
  private static FormCall call(DataType type, int tokens, long seed) {
    return FormCall.of(
        Tensors.gaussian(seed, type, 2, tokens, 2, 3),
        Tensors.gaussian(seed + 1, type, 2, tokens, 2, 3),
        Tensors.gaussian(seed + 2, type, 2, tokens, 2, 5),
        DECAY,
        SCALE,
        Nd4j.zeros(type, 2, 2, 3, 5));
  }

  private static INDArray step(Variant variant, FormCall call, RetentionState state) {
    return new RetentionCore(variant.engine(), variant.form()).advance(call.call(), state);
  }

  private static RetentionState zeros(Variant variant, long start) {
    return RetentionState.zeros(variant.engine(), 2, 2, 3, 5, StateConvention.PLAIN, start);
  }

  @Test
  void rowsThatItDoesNotHaveAreRefused() {
    Engine engine = Engines.of(ElementType.FLOAT32);
    try (RetentionState state = RetentionState.zeros(engine, 2, 1, 3, 5)) {
      for (int row : new int[] {-1, 2, 5}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> state.position(row))
            .withMessage("expected rows in 0..1, got " + row);
        assertThatIllegalArgumentException()
            .isThrownBy(() -> state.select(0, row))
            .withMessage("expected rows in 0..1, got " + row);
      }
      assertThat(state.position(1)).isZero();
    }
  }

  /** Exporting in the middle of anything changes neither what comes out nor what comes after. */
  @ParameterizedTest
  @MethodSource("variants")
  void exportLeavesTheStateAlone(Variant variant) {
    FormCall call = call(variant.dataType(), 20, 1);
    RetentionState looked = zeros(variant, 0);
    RetentionState untouched = zeros(variant, 0);
    for (int t = 0; t < 20; t++) {
      INDArray first = looked.toArray();
      assertThat(looked.toArray()).isEqualTo(first);
      FormCall token =
          FormCall.of(
              Tensors.tokens(call.q(), t, t + 1),
              Tensors.tokens(call.k(), t, t + 1),
              Tensors.tokens(call.v(), t, t + 1),
              DECAY,
              SCALE,
              call.state());
      assertThat(step(variant, token, looked)).isEqualTo(step(variant, token, untouched));
    }
    assertThat(looked.toArray()).isEqualTo(untouched.toArray());
    assertThat(looked.position(0)).isEqualTo(20);
  }

  /** A copy continues bit for bit and is independent of its original. */
  @ParameterizedTest
  @MethodSource("variants")
  void copyContinuesToTheBit(Variant variant) {
    for (int tokens : new int[] {1, 5, 16, 17, 20}) {
      RetentionState state = zeros(variant, 0);
      step(variant, call(variant.dataType(), tokens, 1), state);
      RetentionState copy = state.copy();
      assertThat(copy.toArray()).isEqualTo(state.toArray());
      assertThat(copy.position(1)).isEqualTo(tokens);
      FormCall more = call(variant.dataType(), 3, 50);
      INDArray before = copy.toArray();
      INDArray output = step(variant, more, state);
      assertThat(copy.toArray()).isEqualTo(before);
      assertThat(step(variant, more, copy)).isEqualTo(output);
      assertThat(copy.toArray()).isEqualTo(state.toArray());
    }
  }

  /** What was exported and imported continues as the sequence would have. */
  @ParameterizedTest
  @MethodSource("variants")
  void importContinues(Variant variant) {
    FormCall call = call(variant.dataType(), 30, 1);
    FormResult expected = call.reference();
    RetentionState state = zeros(variant, 0);
    step(variant, part(call, 0, 11), state);
    INDArray exported = state.toArray();
    RetentionState imported =
        RetentionState.of(variant.engine(), exported, new long[] {11, 11}, StateConvention.PLAIN);
    assertThat(imported.toArray()).isEqualTo(exported);
    assertThat(imported.position(0)).isEqualTo(11);
    INDArray rest = step(variant, part(call, 11, 30), imported);
    Tolerance tolerance = Tolerance.reference(variant.dataType(), true, 30);
    assertThat(rest).isCloseTo(Tensors.tokens(expected.output(), 11, 30), tolerance);
    assertThat(imported.toArray()).isStateCloseTo(expected.state(), tolerance);
    assertThat(imported.position(1)).isEqualTo(30);
  }

  private static FormCall part(FormCall call, int from, int to) {
    return FormCall.of(
        Tensors.tokens(call.q(), from, to),
        Tensors.tokens(call.k(), from, to),
        Tensors.tokens(call.v(), from, to),
        call.decay() instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.tokens(g.values(), from, to))
            : call.decay(),
        call.scale(),
        call.state());
  }

  /** Segments computed apart, each from zeros, compose to the whole sequence's state. */
  @ParameterizedTest
  @MethodSource("variants")
  void segmentsJoin(Variant variant) {
    FormCall constant = call(variant.dataType(), 30, 1);
    INDArray g = Tensors.gaussian(9, DataType.DOUBLE, 2, 30, 2).mul(0.3);
    INDArray negative = org.nd4j.linalg.ops.transforms.Transforms.abs(g, true).neg();
    for (FormCall call : List.of(constant, constant.withDecay(LogDecay.perToken(negative)))) {
      RetentionState first = zeros(variant, 0);
      RetentionState second = zeros(variant, 12);
      RetentionState third = zeros(variant, 29);
      step(variant, part(call, 0, 12), first);
      step(variant, part(call, 12, 29), second);
      step(variant, part(call, 29, 30), third);
      INDArray firstBefore = first.toArray();
      INDArray secondBefore = second.toArray();
      RetentionState left = first.join(second).join(third);
      RetentionState right = first.join(second.join(third));
      FormResult expected = call.reference();
      Tolerance tolerance = Tolerance.reference(variant.dataType(), call.constantDecay(), 30);
      assertThat(left.toArray()).isStateCloseTo(expected.state(), tolerance);
      assertThat(right.toArray()).isStateCloseTo(expected.state(), tolerance);
      assertThat(left.position(0)).isEqualTo(30);
      assertThat(right.position(1)).isEqualTo(30);
      assertThat(first.toArray()).isEqualTo(firstBefore);
      assertThat(second.toArray()).isEqualTo(secondBefore);
      assertThat(second.position(0)).isEqualTo(29);
    }
  }

  /** A joined state goes on as any other, and rows of other lengths keep their own positions. */
  @Test
  void joinedStateContinues() {
    Variant variant = new Variant(Engines.float64(), new ChunkwiseForm(4));
    FormCall call = call(DataType.DOUBLE, 20, 1);
    RetentionState first = zeros(variant, 0);
    RetentionState second = zeros(variant, 8);
    step(variant, part(call, 0, 8), first);
    step(variant, part(call, 8, 15), second);
    RetentionState joined = first.join(second);
    step(variant, part(call, 15, 20), joined);
    assertThat(joined.toArray())
        .isStateCloseTo(call.reference().state(), Tolerance.reference(DataType.DOUBLE, true, 20));
    RetentionState uneven = zeros(variant, 8);
    step(variant, part(call, 8, 15).withLengths(7, 2), uneven);
    RetentionState joinedUneven = first.join(uneven);
    assertThat(joinedUneven.position(0)).isEqualTo(15);
    assertThat(joinedUneven.position(1)).isEqualTo(10);
    FormResult expected = call.withLengths(15, 10).reference();
    assertThat(joinedUneven.toArray())
        .isStateCloseTo(expected.state(), Tolerance.reference(DataType.DOUBLE, true, 20));
  }

  /** An imported state is a prefix: segments join it, it joins nothing. */
  @Test
  void joinRefusesWhatDoesNotFollow() {
    Variant variant = new Variant(Engines.float64(), new RecurrentForm());
    RetentionState first = zeros(variant, 0);
    step(variant, call(DataType.DOUBLE, 4, 1), first);
    refuses(() -> first.join(zeros(variant, 3)), "row 0", "position 4", "got 3");
    refuses(() -> first.join(zeros(variant, 5)), "position 4", "got 5");
    RetentionState imported =
        RetentionState.of(
            Engines.of(first.toArray()), first.toArray(), new long[] {4, 4}, StateConvention.PLAIN);
    refuses(() -> first.join(imported), "imported");
    assertThat(imported.join(zeros(variant, 4)).toArray()).isEqualTo(first.toArray());
    RetentionState other = RetentionState.zeros(Engines.of(ElementType.FLOAT64), 2, 2, 5, 3);
    refuses(() -> zeros(variant, 0).join(other), "(2,2,3,5)", "(2,2,5,3)");
    RetentionState fp32 = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 2, 2, 3, 5);
    refuses(() -> zeros(variant, 0).join(fp32), "FLOAT64", "FLOAT32");
    StateConvention scaled = new StateConvention(true, Rotation.NONE, Optional.empty());
    RetentionState convention =
        RetentionState.zeros(Engines.of(ElementType.FLOAT64), 2, 2, 3, 5, scaled, 0);
    refuses(() -> zeros(variant, 0).join(convention), "keysScaled=false", "keysScaled=true");
  }

  @Test
  void zerosChecksItsSizes() {
    refuses(() -> RetentionState.zeros(Engines.of(ElementType.FLOAT32), 0, 1, 1, 1), "(0,1,1,1)");
    refuses(() -> RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 0, 1, 1), "(1,0,1,1)");
    refuses(() -> RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 0, 1), "(1,1,0,1)");
    refuses(() -> RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 1, -1), "(1,1,1,-1)");
    refuses(
        () ->
            RetentionState.zeros(
                Engines.of(ElementType.FLOAT32), 1, 1, 1, 1, StateConvention.PLAIN, -1),
        "got -1");
    RetentionState one = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 1, 1);
    assertThat(one.toArray()).isEqualTo(Nd4j.zeros(DataType.FLOAT, 1, 1, 1, 1));
  }

  @Test
  void importChecksItsArguments() {
    StateConvention plain = StateConvention.PLAIN;
    INDArray array = Nd4j.zeros(DataType.FLOAT, 2, 1, 3, 4);
    refuses(
        () ->
            RetentionState.of(
                Engines.of(array.reshape(2, 3, 4)), array.reshape(2, 3, 4), new long[2], plain),
        "[2, 3, 4]");
    refuses(
        () -> RetentionState.of(Engines.of(array), array, new long[] {1}, plain),
        "2 positions",
        "got 1");
    refuses(() -> RetentionState.of(Engines.of(array), array, new long[] {0, -1}, plain), "got -1");
    refuses(
        () ->
            RetentionState.of(
                Engines.of(array.castTo(DataType.HALF)),
                array.castTo(DataType.HALF),
                new long[2],
                plain),
        "HALF");
    refuses(
        () ->
            RetentionState.of(
                Engines.of(Nd4j.create(DataType.FLOAT, 2, 0, 3, 4)),
                Nd4j.create(DataType.FLOAT, 2, 0, 3, 4),
                new long[2],
                plain),
        "[2, 0, 3, 4]");
  }

  @Test
  void importReadsViews() {
    INDArray array = Tensors.gaussian(3, DataType.FLOAT, 2, 2, 3, 5);
    RetentionState state =
        RetentionState.of(
            Engines.of(Tensors.strided(array)),
            Tensors.strided(array),
            new long[] {7, 8},
            StateConvention.PLAIN);
    assertThat(state.toArray()).isEqualTo(array);
    array.assign(0);
    assertThat(state.toArray()).isEqualTo(Tensors.gaussian(3, DataType.FLOAT, 2, 2, 3, 5));
    assertThat(state.batch()).isEqualTo(2);
    assertThat(state.heads()).isEqualTo(2);
    assertThat(state.keyWidth()).isEqualTo(3);
    assertThat(state.valueWidth()).isEqualTo(5);
    assertThat(state.type()).isEqualTo(ElementType.FLOAT32);
    assertThat(state.convention()).isEqualTo(StateConvention.PLAIN);
    assertThat(state.position(0)).isEqualTo(7);
    assertThat(state.position(1)).isEqualTo(8);
  }

  /** Bytes by formula, and as counted: the state's own, given back once. */
  @ParameterizedTest
  @EnumSource
  void countsItsBytes(ElementType type) {
    long before = HeldMemory.liveBytes();
    RetentionState state = RetentionState.zeros(Engines.of(type), 2, 3, 4, 5);
    assertThat(state.formulaBytes()).isEqualTo(2L * 3 * 4 * 5 * type.bytes());
    // fp32 keeps up to 16 rows (k, v) pending per head.
    long pending = type == ElementType.FLOAT32 ? 2L * 3 * 16 * (4 + 5) * 4 : 0;
    assertThat(state.bytes()).isEqualTo(state.formulaBytes() + pending);
    assertThat(HeldMemory.liveBytes() - before).isEqualTo(state.bytes());
    state.close();
    state.close();
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  @Test
  void importGivesBackWhatItTookOnTheWay() {
    long before = HeldMemory.liveBytes();
    INDArray array = Tensors.gaussian(3, DataType.FLOAT, 2, 2, 3, 5);
    RetentionState.of(Engines.of(array), array, new long[2], StateConvention.PLAIN).close();
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  @Test
  void saysThatItIsClosed() {
    RetentionState state = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 1, 1);
    RetentionState open = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 1, 1);
    assertThat(state.closed()).isFalse();
    state.close();
    assertThat(state.closed()).isTrue();
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(state::toArray, state::copy, () -> state.join(open))) {
      assertThatThrownBy(use)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
    refuses(() -> open.join(state), "expected an open state, got a closed one");
  }

  @Test
  void refusesPositionsWithoutDigits() {
    INDArray array = Nd4j.zeros(DataType.FLOAT, 1, 1, 1, 1);
    long far = (1L << 50) + 1;
    refuses(
        () -> RetentionState.of(Engines.of(array), array, new long[] {far}, StateConvention.PLAIN),
        String.valueOf(far));
    refuses(
        () ->
            RetentionState.zeros(
                Engines.of(ElementType.FLOAT32), 1, 1, 1, 1, StateConvention.PLAIN, far),
        String.valueOf(far));
    refuses(
        () -> RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 1, 1, 1, null, 0),
        "convention",
        "null");
  }

  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }
}
