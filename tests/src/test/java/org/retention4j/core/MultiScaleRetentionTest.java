package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.reference.ReferenceBlock;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** The block beyond its contract: long inputs in pieces, bindings, conventions, closing. */
class MultiScaleRetentionTest {
  private static final RetentionConfig FLA = RetentionConfig.fla(8, 2);
  private static final RetentionConfig TORCHSCALE = RetentionConfig.torchscale(8, 2);

  static List<Variant> variants() {
    return Variant.engines().stream()
        .flatMap(
            engine ->
                List.of(new RecurrentForm(), new ParallelForm(), new ChunkwiseForm()).stream()
                    .map(form -> new Variant(engine, form)))
        .toList();
  }

  private static MultiScaleRetention block(Variant variant, RetentionConfig config) {
    return block(variant.engine(), config);
  }

  private static MultiScaleRetention block(Engine engine, RetentionConfig config) {
    return new MultiScaleRetention(
        engine, RetentionWeights.random(engine, config, WeightType.FLOAT32, 42));
  }

  /** Sequences longer than a piece, rows that end in different pieces. */
  @ParameterizedTest
  @MethodSource("variants")
  void cutsLongSequencesIntoPieces(Variant variant) {
    for (RetentionConfig config : List.of(FLA, TORCHSCALE)) {
      MultiScaleRetention block = block(variant, config);
      INDArray x = Tensors.gaussian(1, variant.dataType(), 3, 1100, 8);
      int[] lengths = {1100, 300, 701};
      RetentionState state = block.newState(3);
      INDArray y = block.forward(variant.form(), BlockInput.of(x).withLengths(lengths), state);
      ReferenceBlock.Result expected =
          ReferenceBlock.forward(
              config, block.weights().unpack(), BlockInput.of(x).withLengths(lengths));
      Tolerance tolerance = Tolerance.block(variant.dataType());
      assertThat(y).isCloseTo(expected.output(), tolerance);
      assertThat(state.toArray()).isStateCloseTo(expected.state(), tolerance);
      assertThat(state.position(1)).isEqualTo(300);
    }
  }

  /** Per-token decays are read at the right token of every piece. */
  @ParameterizedTest
  @MethodSource("variants")
  void readsTokenDecaysInEveryPiece(Variant variant) {
    MultiScaleRetention block = block(variant, FLA);
    INDArray x = Tensors.gaussian(1, variant.dataType(), 1, 1100, 8);
    double[] g = new double[2200];
    for (int i = 0; i < g.length; i++) {
      g[i] = -0.001 * (i % 97);
    }
    LogDecay decay = LogDecay.perToken(Tensors.of(g, DataType.DOUBLE, 1, 1100, 2));
    RetentionState state = block.newState(1);
    INDArray y = block.forward(variant.form(), BlockInput.of(x).withDecay(decay), state);
    ReferenceBlock.Result expected =
        ReferenceBlock.forward(FLA, block.weights().unpack(), BlockInput.of(x).withDecay(decay));
    assertThat(y).isCloseTo(expected.output(), Tolerance.block(variant.dataType()));
    assertThat(state.toArray())
        .isStateCloseTo(expected.state(), Tolerance.block(variant.dataType()));
  }

  /** Keys that several heads share are rotated and scaled once. */
  @ParameterizedTest
  @MethodSource("variants")
  void headsMayShareKeysAndValues(Variant variant) {
    RetentionConfig rotated =
        RetentionConfig.builder(8, 4).kvHeads(2).keyWidth(4).valueWidth(6).build();
    RetentionConfig scaled =
        RetentionConfig.builder(8, 4)
            .kvHeads(1)
            .keyWidth(4)
            .valueWidth(6)
            .rotation(Rotation.NONE)
            .scaleKeys(true)
            .build();
    for (RetentionConfig config : List.of(rotated, scaled)) {
      MultiScaleRetention block = block(variant, config);
      INDArray x = Tensors.gaussian(1, variant.dataType(), 2, 20, 8);
      int[] lengths = {20, 7};
      RetentionState state = block.newState(2);
      INDArray y = block.forward(variant.form(), BlockInput.of(x).withLengths(lengths), state);
      ReferenceBlock.Result expected =
          ReferenceBlock.forward(
              config, block.weights().unpack(), BlockInput.of(x).withLengths(lengths));
      Tolerance tolerance = Tolerance.block(variant.dataType());
      assertThat(y).isCloseTo(expected.output(), tolerance);
      assertThat(state.toArray()).isStateCloseTo(expected.state(), tolerance);
    }
  }

  /** y may be x itself, and either may be a view. */
  @ParameterizedTest
  @MethodSource("variants")
  void writesOverItsInput(Variant variant) {
    MultiScaleRetention block = block(variant, FLA);
    INDArray x = Tensors.gaussian(1, variant.dataType(), 2, 600, 8);
    INDArray expected = block.forward(variant.form(), x, block.newState(2));
    INDArray strided = Tensors.strided(x);
    for (INDArray both : List.of(x, strided)) {
      try (BoundSequence bound =
          block.bind(variant.form(), BlockInput.of(both), block.newState(2), both)) {
        bound.step();
      }
      assertThat(both.dup('c')).isEqualTo(expected);
    }
  }

  /**
   * Steps of one token give what all tokens at once give; implementations are oneDNN's fast ones.
   */
  @ParameterizedTest
  @MethodSource("variants")
  void decodesStepByStep(Variant variant) {
    MultiScaleRetention block = block(variant, TORCHSCALE);
    INDArray x = Tensors.gaussian(1, variant.dataType(), 2, 40, 8);
    RetentionState whole = block.newState(2);
    INDArray expected = block.forward(new ChunkwiseForm(16), x, whole);
    INDArray token = Nd4j.zeros(variant.dataType(), 2, 1, 8);
    INDArray y = Nd4j.zeros(variant.dataType(), 2, 1, 8);
    RetentionState state = block.newState(2);
    Tolerance tolerance = Tolerance.block(variant.dataType());
    try (BoundSequence bound = block.bind(variant.form(), BlockInput.of(token), state, y)) {
      assertThat(bound.implementation()).doesNotContain("ref").isNotEmpty();
      for (int t = 0; t < 40; t++) {
        token.assign(Tensors.tokens(x, t, t + 1));
        bound.step();
        assertThat(y).isCloseTo(Tensors.tokens(expected, t, t + 1), tolerance);
      }
    }
    assertThat(state.toArray()).isStateCloseTo(whole.toArray(), tolerance);
  }

  /** Segments of a rotated block join when they were computed where they belong. */
  @Test
  void segmentsOfABlockJoin() {
    Engine engine = Engines.float64();
    MultiScaleRetention block = block(engine, FLA);
    INDArray x = Tensors.gaussian(1, DataType.DOUBLE, 1, 30, 8);
    RetentionState whole = block.newState(1);
    block.forward(new ChunkwiseForm(), x, whole);
    RetentionState first = block.newState(1);
    block.forward(new ChunkwiseForm(), Tensors.tokens(x, 0, 13), first);
    RetentionState second =
        RetentionState.zeros(
            Engines.of(ElementType.FLOAT64), 1, 2, 4, 8, FLA.stateConvention(), 13);
    block.forward(new RecurrentForm(), Tensors.tokens(x, 13, 30), second);
    Tolerance tolerance = Tolerance.forms(DataType.DOUBLE, true, 30);
    assertThat(first.join(second).toArray()).isStateCloseTo(whole.toArray(), tolerance);
    RetentionState elsewhere = block.newState(1);
    block.forward(new RecurrentForm(), Tensors.tokens(x, 13, 30), elsewhere);
    refuses(() -> first.join(elsewhere), "position 13", "got 0");
  }

  @Test
  void refusesStatesOfAnotherConfiguration() {
    Engine engine = Engines.plain();
    MultiScaleRetention block = block(engine, FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 2, 3, 8);
    RetentionForm form = new ChunkwiseForm();
    RetentionState torchscale =
        RetentionState.zeros(Engines.of(ElementType.FLOAT32), TORCHSCALE, 2);
    refuses(() -> block.forward(form, x, torchscale), "convention", "keysScaled=true");
    RetentionState plain = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 2, 2, 4, 8);
    refuses(() -> block.forward(form, x, plain), "convention");
    RetentionConfig slower = RetentionConfig.builder(8, 2).decay(DecaySchedule.linspace(2)).build();
    RetentionState linspace = RetentionState.zeros(Engines.of(ElementType.FLOAT32), slower, 2);
    refuses(() -> block.forward(form, x, linspace), "convention");
    refuses(() -> block.forward(form, x, block.newState(3)), "(2,2,4,8)", "(3,2,4,8)");
    RetentionState float64 = RetentionState.zeros(Engines.of(ElementType.FLOAT64), FLA, 2);
    refuses(() -> block.forward(form, x, float64), "FLOAT32", "FLOAT64");
    RetentionState closed = block.newState(2);
    closed.close();
    refuses(() -> block.forward(form, x, closed), "closed");
  }

  @Test
  void refusesWhatDoesNotFitAndLeavesTheStateAlone() {
    Engine engine = Engines.plain();
    MultiScaleRetention block = block(engine, FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 2, 3, 8);
    RetentionForm form = new RecurrentForm();
    RetentionState state = block.newState(2);
    block.forward(form, x, state);
    INDArray before = state.toArray();
    INDArray y = Nd4j.zeros(DataType.FLOAT, 2, 3, 8);
    refuses(() -> block.bind(form, BlockInput.of(x), state, Nd4j.zeros(2, 4, 8)), "y", "[2, 4, 8]");
    refuses(
        () -> block.bind(form, BlockInput.of(x), state, Nd4j.zeros(DataType.DOUBLE, 2, 3, 8)), "y");
    refuses(
        () -> block.bind(form, BlockInput.of(x).withLengths(new int[] {4, 0}), state, y),
        "0..3",
        "got 4");
    INDArray g = Nd4j.valueArrayOf(new long[] {2, 3, 2}, -0.1, DataType.DOUBLE);
    try (BoundSequence bound =
        block.bind(form, BlockInput.of(x).withDecay(LogDecay.perToken(g)), state, y)) {
      g.putScalar(1, 2, 1, 0.5);
      refuses(bound::step, "(b=1, t=2, h=1)", "0.5");
    }
    assertThat(state.toArray()).isEqualTo(before);
    assertThat(state.position(0)).isEqualTo(3);
    MultiScaleRetention torchscale = block(engine, TORCHSCALE);
    refuses(
        () ->
            torchscale.forward(
                form,
                BlockInput.of(x).withDecay(LogDecay.perToken(g.mul(0))),
                torchscale.newState(2)),
        "normaliseOutput");
  }

  /** What stood in an output array at padded tokens is gone. */
  @Test
  void clearsOutputsOfPadding() {
    MultiScaleRetention block = block(Engines.plain(), FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 2, 3, 8);
    INDArray y = Nd4j.valueArrayOf(new long[] {2, 3, 8}, 77f, DataType.FLOAT);
    try (BoundSequence bound =
        block.bind(
            new ChunkwiseForm(4), BlockInput.of(x).withLengths(3, 1), block.newState(2), y)) {
      bound.step();
    }
    assertThat(Tensors.flat(Tensors.tokens(Tensors.rows(y, 1, 2), 1, 3))).containsOnly(0);
    assertThat(Tensors.flat(Tensors.rows(y, 0, 1))).doesNotContain(77, 0);
  }

  @Test
  void refusesArgumentsThatDoNotFit() {
    MultiScaleRetention block = block(Engines.plain(), FLA);
    RetentionForm form = new RecurrentForm();
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 2, 3, 8);
    INDArray y = Nd4j.zeros(DataType.FLOAT, 2, 3, 8);
    BlockInput input = BlockInput.of(x);
    RetentionState state = block.newState(2);
    refuses(() -> block.bind(null, input, state, y), "form, got null");
    refuses(() -> block.bind(form, null, state, y), "input, got null");
    refuses(() -> block.bind(form, input, null, y), "state, got null");
    refuses(() -> block.bind(form, input, state, null), "y, got null");
    INDArray doubles = x.castTo(DataType.DOUBLE);
    refuses(() -> block.bind(form, BlockInput.of(doubles), state, y), "x of type FLOAT", "DOUBLE");
    refuses(() -> block.bind(form, input, state, doubles), "y of type FLOAT", "DOUBLE");
    LogDecay threeHeads = LogDecay.perToken(Nd4j.zeros(DataType.DOUBLE, 2, 3, 3));
    refuses(
        () -> block.bind(form, input.withDecay(threeHeads), state, y), "[2, 3, 2]", "[2, 3, 3]");
    LogDecay other = LogDecay.perHead(-0.1, -0.2);
    refuses(() -> block.bind(form, input.withDecay(other), state, y), "configuration's decay");
    LogDecay own = LogDecay.perHead(FLA.decay().logDecay().values());
    assertThat(block.forward(form, input.withDecay(own), state))
        .isEqualTo(block.forward(form, input, block.newState(2)));
  }

  @Test
  void saysThatABindingIsClosed() {
    MultiScaleRetention block = block(Engines.plain(), FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 8);
    RetentionState state = block.newState(1);
    BoundSequence bound = block.bind(new RecurrentForm(), BlockInput.of(x), state, x.dup());
    state.close();
    refuses(bound::step, "closed");
    bound.close();
    bound.close();
    assertThatThrownBy(bound::step)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void saysThatWeightsOrEngineAreClosed() {
    Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
    MultiScaleRetention block = block(engine, FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 8);
    RetentionState state = block.newState(1);
    RetentionForm form = new RecurrentForm();
    BoundSequence bound = block.bind(form, BlockInput.of(x), state, x.dup());
    block.weights().close();
    block.weights().close();
    closed(() -> block.forward(form, x, state));
    closed(() -> block.bind(form, BlockInput.of(x), state, x.dup()));
    closed(() -> block.weights().unpack());
    bound.close();
    engine.close();
    closed(() -> block.forward(form, x, state));
    assertThat(state.position(0)).isZero();
  }

  /** A step must not read weights that were freed: a bound block notices that they are closed. */
  @Test
  void aBindingNoticesThatItsWeightsWereClosed() {
    MultiScaleRetention block = block(Engines.plain(), FLA);
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, 1, 8);
    RetentionState state = block.newState(1);
    try (BoundSequence bound = block.bind(new RecurrentForm(), BlockInput.of(x), state, x.dup())) {
      block.weights().close();
      closed(bound::step);
    }
    assertThat(state.position(0)).isZero();
  }

  @Test
  void refusesWeightsThatWerePackedForAnotherEngine() {
    INDArray floats = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 8);
    INDArray doubles = Tensors.gaussian(1, DataType.DOUBLE, 1, 3, 8);
    RetentionWeights fp32 = block(Engines.plain(), FLA).weights();
    RetentionWeights float64 = block(Engines.float64(), FLA).weights();
    RetentionForm form = new RecurrentForm();
    RetentionState state32 = RetentionState.zeros(Engines.of(ElementType.FLOAT32), FLA, 1);
    RetentionState state64 = RetentionState.zeros(Engines.of(ElementType.FLOAT64), FLA, 1);
    refuses(
        () -> new MultiScaleRetention(Engines.plain(), float64).forward(form, floats, state32),
        "expected");
    refuses(
        () -> new MultiScaleRetention(Engines.float64(), fp32).forward(form, doubles, state64),
        "expected");
  }

  private static void closed(ThrowingCallable code) {
    assertThatThrownBy(code)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  /** Bindings, weights and engines give back every byte they counted. */
  @Test
  void givesItsMemoryBack() {
    long before = HeldMemory.liveBytes();
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
        RetentionWeights weights = RetentionWeights.random(engine, FLA, WeightType.BFLOAT16, 1);
        RetentionState state = RetentionState.zeros(Engines.of(ElementType.FLOAT32), FLA, 2)) {
      INDArray x = Tensors.gaussian(1, DataType.FLOAT, 2, 30, 8);
      new MultiScaleRetention(engine, weights).forward(new ChunkwiseForm(), x, state);
      assertThat(weights.bytes()).isPositive();
      assertThat(HeldMemory.liveBytes()).isGreaterThan(before + weights.bytes());
    }
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }
}
