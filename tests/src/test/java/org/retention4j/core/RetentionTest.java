package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.reference.ReferenceRetention;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** The core bound to arrays and a state: what it writes, what it refuses and leaves untouched. */
class RetentionTest {
  private static final LogDecay DECAY = LogDecay.perHead(-0.1, -0.01);

  private final INDArray q = Tensors.gaussian(1, DataType.FLOAT, 2, 6, 2, 4);
  private final INDArray k = Tensors.gaussian(2, DataType.FLOAT, 2, 6, 1, 4);
  private final INDArray v = Tensors.gaussian(3, DataType.FLOAT, 2, 6, 1, 4);
  private final INDArray initial = Tensors.gaussian(4, DataType.FLOAT, 2, 2, 4, 4);
  private final INDArray out = Nd4j.valueArrayOf(new long[] {2, 6, 2, 4}, 77f, DataType.FLOAT);
  private RetentionState state;

  @BeforeEach
  void importState() {
    state =
        RetentionState.of(Engines.of(initial), initial, new long[] {5, 9}, StateConvention.PLAIN);
  }

  private BoundSequence bind(LogDecay decay, double scale, int[] lengths, INDArray to) {
    RetentionCall call = RetentionCall.of(q, k, v, decay).withScale(scale);
    return new RetentionCore(Engines.plain(), new ChunkwiseForm(4))
        .bind(lengths == null ? call : call.withLengths(lengths), state, to);
  }

  private void assertRefused(Runnable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code::run).withMessageContainingAll(said);
    assertThat(state.toArray()).isEqualTo(initial);
    assertThat(state.position(0)).isEqualTo(5);
    assertThat(Tensors.flat(out)).containsOnly(77);
  }

  @Test
  void refusesAnOutputThatDoesNotFit() {
    assertRefused(() -> bind(DECAY, 1, null, Nd4j.zeros(2, 6, 2, 5)), "out", "[2, 6, 2, 4]");
    assertRefused(() -> bind(DECAY, 1, null, Nd4j.zeros(2, 6, 8)), "out", "rank 4");
    assertRefused(
        () -> bind(DECAY, 1, null, Nd4j.zeros(DataType.DOUBLE, 2, 6, 2, 4)), "FLOAT", "DOUBLE");
  }

  @Test
  void namesWhatWasExpectedAndWhatCame() {
    assertRefused(() -> bind(LogDecay.perHead(-1), 1, null, out), "2 heads", "for 1");
    assertRefused(() -> bind(DECAY, Double.NaN, null, out), "finite scale", "NaN");
    assertRefused(() -> bind(DECAY, 1, new int[] {6}, out), "2 lengths", "got 1");
    assertRefused(() -> bind(DECAY, 1, new int[] {6, 7}, out), "row 1", "0..6", "got 7");
    assertRefused(() -> bind(DECAY, 1, new int[] {-1, 6}, out), "row 0", "got -1");
    INDArray g = Nd4j.zeros(DataType.FLOAT, 2, 5, 2);
    assertRefused(() -> bind(LogDecay.perToken(g), 1, null, out), "[2, 6, 2]", "[2, 5, 2]");
  }

  @Test
  void refusesInputsThatDoNotFitTheState() {
    RetentionCore core = new RetentionCore(Engines.plain(), new ChunkwiseForm(4));
    RetentionCall call = RetentionCall.of(q, k, v, DECAY);
    assertRefused(() -> core.bind(call, null, out), "state", "null");
    assertRefused(() -> core.bind(call, state, null), "out", "null");
    INDArray wide = Tensors.gaussian(1, DataType.FLOAT, 2, 6, 2, 5);
    assertRefused(
        () -> core.bind(RetentionCall.of(wide, k, v, DECAY), state, out),
        "q of shape [2, 6, 2, 4]",
        "[2, 6, 2, 5]");
    INDArray more = Tensors.gaussian(1, DataType.FLOAT, 3, 6, 1, 4);
    assertRefused(
        () -> core.bind(RetentionCall.of(q, more, v, DECAY), state, out),
        "k of shape [2, 6, 1, 4]",
        "[3, 6, 1, 4]");
    INDArray shorter = Tensors.gaussian(1, DataType.FLOAT, 2, 5, 1, 4);
    assertRefused(
        () -> core.bind(RetentionCall.of(q, k, shorter, DECAY), state, out),
        "v of shape [2, 6, 1, 4]",
        "[2, 5, 1, 4]");
    assertRefused(
        () -> core.bind(RetentionCall.of(q, k.castTo(DataType.DOUBLE), v, DECAY), state, out),
        "k of type FLOAT",
        "DOUBLE");
  }

  /** No tokens and all of them are lengths; a row without any stays where it is. */
  @Test
  void acceptsLengthsFromNoneToAll() {
    try (BoundSequence bound = bind(DECAY, 1, new int[] {6, 0}, out)) {
      bound.step();
    }
    assertThat(state.position(0)).isEqualTo(11);
    assertThat(state.position(1)).isEqualTo(9);
    assertThat(Tensors.rows(state.toArray(), 1, 2)).isEqualTo(Tensors.rows(initial, 1, 2));
    assertThat(Tensors.flat(Tensors.rows(out, 1, 2))).containsOnly(0);
  }

  @Test
  void refusesAStateOfAnotherTypeOrAClosedOne() {
    RetentionState float64 = RetentionState.zeros(Engines.of(ElementType.FLOAT64), 2, 2, 4, 4);
    assertRefused(
        () ->
            new RetentionCore(Engines.plain(), new RecurrentForm())
                .bind(RetentionCall.of(q, k, v, DECAY).withScale(1), float64, out),
        "FLOAT32",
        "FLOAT64");
    RetentionState closed = state.copy();
    BoundSequence bound =
        new RetentionCore(Engines.plain(), new RecurrentForm())
            .bind(RetentionCall.of(q, k, v, DECAY).withScale(1), closed, out);
    closed.close();
    assertRefused(bound::step, "closed");
    assertRefused(
        () ->
            new RetentionCore(Engines.plain(), new RecurrentForm())
                .bind(RetentionCall.of(q, k, v, DECAY).withScale(1), closed, out),
        "closed");
  }

  /** Per-token decays are read at each step, and refused there before anything moves. */
  @Test
  void checksDecaysAtEachStep() {
    INDArray g = Nd4j.valueArrayOf(new long[] {2, 6, 2}, -0.1, DataType.DOUBLE);
    BoundSequence bound = bind(LogDecay.perToken(g), 1, new int[] {6, 3}, out);
    g.putScalar(1, 5, 1, Double.NaN);
    g.putScalar(0, 4, 1, 1e-9);
    assertRefused(bound::step, "(b=0, t=4, h=1)", "1.0E-9");
    g.putScalar(0, 4, 1, Double.POSITIVE_INFINITY);
    assertRefused(bound::step, "(b=0, t=4, h=1)", "got Infinity");
    g.putScalar(0, 4, 1, Double.NEGATIVE_INFINITY); // one head's reset, and not the position's
    g.putScalar(1, 2, 0, Double.NaN);
    assertRefused(bound::step, "(b=1, t=2, h=0)", "NaN");
    g.putScalar(1, 2, 0, 0);
    bound.step();
    assertThat(out).isFinite();
    assertThat(state.position(0)).isEqualTo(11);
    assertThat(state.position(1)).isEqualTo(12);
  }

  /** The caller's lengths may change after binding. */
  @Test
  void keepsItsOwnLengths() {
    int[] lengths = {6, 3};
    BoundSequence bound = bind(DECAY, 1, lengths, out);
    lengths[1] = 6;
    bound.step();
    assertThat(Tensors.flat(Tensors.tokens(Tensors.rows(out, 1, 2), 3, 6))).containsOnly(0);
    assertThat(state.position(1)).isEqualTo(12);
    assertThat(bound).asString().contains("(2,2,4,4)").contains("[6, 3]");
  }

  /** A bound core takes what stands in its arrays at each step. */
  @Test
  void stepsOverTheTokensOfTheMoment() {
    BoundSequence bound = bind(DECAY, 0.5, null, out);
    bound.step();
    ReferenceRetention.Result first =
        ReferenceRetention.advance(RetentionCall.of(q, k, v, DECAY).withScale(0.5), initial);
    q.assign(Tensors.gaussian(11, DataType.FLOAT, 2, 6, 2, 4));
    k.assign(Tensors.gaussian(12, DataType.FLOAT, 2, 6, 1, 4));
    bound.step();
    ReferenceRetention.Result second =
        ReferenceRetention.advance(RetentionCall.of(q, k, v, DECAY).withScale(0.5), first.state());
    Tolerance tolerance = Tolerance.reference(DataType.FLOAT, true, 12);
    assertThat(out).isCloseTo(second.output(), tolerance);
    assertThat(state.toArray()).isStateCloseTo(second.state(), tolerance);
    assertThat(state.position(1)).isEqualTo(9 + 12);
  }

  static List<Variant> variants() {
    return List.of(
        new Variant(Engines.plain(), new RecurrentForm()),
        new Variant(Engines.vector(), new ParallelForm(4)),
        new Variant(Engines.plain(), new ChunkwiseForm(4)),
        new Variant(Engines.float64(), new RecurrentForm()),
        new Variant(Engines.float64(), new ParallelForm(4)),
        new Variant(Engines.float64(), new ChunkwiseForm(4)));
  }

  /** Outputs go where a view's strides say, and nowhere else. */
  @ParameterizedTest
  @MethodSource("variants")
  void writesThroughViews(Variant variant) {
    DataType type = variant.dataType();
    INDArray dense = Nd4j.zeros(type, 2, 6, 2, 4);
    // (B,H,T,V) in memory, seen as (B,T,H,V), inside a larger array.
    INDArray memory = Nd4j.valueArrayOf(new long[] {2, 2, 8, 6}, 55, type);
    INDArray view =
        memory
            .get(
                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                org.nd4j.linalg.indexing.NDArrayIndex.all(),
                org.nd4j.linalg.indexing.NDArrayIndex.interval(1, 7),
                org.nd4j.linalg.indexing.NDArrayIndex.interval(1, 5))
            .permute(0, 2, 1, 3);
    INDArray elsewhere = Tensors.strided(dense);
    int[] lengths = {6, 4};
    for (INDArray to : List.of(dense, view, elsewhere)) {
      RetentionState fresh =
          RetentionState.of(
              variant.engine(), initial.castTo(type), new long[2], StateConvention.PLAIN);
      new RetentionCore(variant.engine(), variant.form())
          .bind(
              RetentionCall.of(q.castTo(type), k.castTo(type), v.castTo(type), DECAY)
                  .withScale(1)
                  .withLengths(lengths),
              fresh,
              to)
          .step();
    }
    assertThat(Tensors.flat(dense)[0]).isNotZero();
    assertThat(view.dup('c')).isEqualTo(dense);
    assertThat(elsewhere.dup('c')).isEqualTo(dense);
    assertThat(memory.eq(55).castTo(DataType.INT32).sumNumber().intValue())
        .as("elements around the view that kept their value")
        .isEqualTo(2 * 2 * (8 * 6 - 6 * 4));
  }

  /** Outputs over an input are either right or refused, never silently wrong. */
  @ParameterizedTest
  @MethodSource("variants")
  void outputsOverAnInputAreRightOrRefused(Variant variant) {
    DataType type = variant.dataType();
    for (int over = 0; over < 3; over++) {
      INDArray[] qkv = new INDArray[3];
      for (int i = 0; i < 3; i++) {
        qkv[i] = Tensors.gaussian(20 + i, type, 2, 12, 2, 4);
      }
      INDArray from = initial.castTo(type);
      ReferenceRetention.Result expected =
          ReferenceRetention.advance(
              RetentionCall.of(qkv[0], qkv[1], qkv[2], DECAY).withScale(1), from);
      RetentionState fresh =
          RetentionState.of(variant.engine(), from, new long[2], StateConvention.PLAIN);
      try {
        new RetentionCore(variant.engine(), variant.form())
            .bind(RetentionCall.of(qkv[0], qkv[1], qkv[2], DECAY).withScale(1), fresh, qkv[over])
            .step();
      } catch (IllegalArgumentException refused) {
        assertThat(refused).hasMessageContaining("out");
        assertThat(fresh.toArray()).isEqualTo(from);
        continue;
      }
      Tolerance tolerance = Tolerance.reference(type, true, 12);
      assertThat(qkv[over]).isCloseTo(expected.output(), tolerance);
      assertThat(fresh.toArray()).isStateCloseTo(expected.state(), tolerance);
    }
  }

  @Test
  void refusesToWorkOnAClosedEngine() {
    Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
    BoundSequence bound =
        new RetentionCore(engine, new ChunkwiseForm(4))
            .bind(RetentionCall.of(q, k, v, DECAY).withScale(1), state, out);
    engine.close();
    engine.close();
    assertThatThrownBy(bound::step)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(
            () ->
                new RetentionCore(engine, new ChunkwiseForm(4))
                    .bind(RetentionCall.of(q, k, v, DECAY).withScale(1), state, out))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(state.toArray()).isEqualTo(initial);
  }
}
