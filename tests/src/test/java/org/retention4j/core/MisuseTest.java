package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Memory that is closed, shared or missing: refused in words, never a crash or a wrong number. */
class MisuseTest {
  private static final RetentionConfig CONFIG = RetentionConfig.fla(16, 2);
  private static final double SCALE = 0.5;

  private final Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
  private final RetentionWeights weights =
      RetentionWeights.random(engine, CONFIG, WeightType.FLOAT32, 1);
  private final MultiScaleRetention block = new MultiScaleRetention(engine, weights);
  private final RetentionState state = block.newState(1);

  @AfterEach
  void close() {
    state.close();
    weights.close();
    engine.close();
  }

  private static INDArray x(int tokens) {
    return own(Tensors.gaussian(1, DataType.FLOAT, 1, tokens, 16));
  }

  /** Returns a copy with memory of its own: closing a view does nothing. */
  private static INDArray own(INDArray array) {
    return array.dup();
  }

  @Test
  void aClosedInputOrOutputIsRefused() {
    INDArray x = x(3);
    INDArray y = x(3);
    try (BoundSequence bound = block.bind(new ChunkwiseForm(), BlockInput.of(x), state, y)) {
      bound.step();
      x.close();
      refuses(bound::step, "open array", "closed");
    }
    refuses(() -> block.forward(new ChunkwiseForm(), x, state), "open array", "closed");
    INDArray other = x(3);
    try (BoundSequence bound = block.bind(new ChunkwiseForm(), BlockInput.of(other), state, y)) {
      y.close();
      refuses(bound::step, "open array", "closed");
    }
    assertThat(state.position(0)).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aClosedArrayOfTheCoreIsRefused(int closed) {
    INDArray[] a = {
      own(Tensors.gaussian(1, DataType.FLOAT, 1, 3, 2, 4)),
      own(Tensors.gaussian(2, DataType.FLOAT, 1, 3, 2, 4)),
      own(Tensors.gaussian(3, DataType.FLOAT, 1, 3, 2, 5)),
      own(Tensors.gaussian(4, DataType.FLOAT, 1, 3, 2, 5))
    };
    RetentionState core = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 2, 4, 5);
    LogDecay decay = LogDecay.perHead(-0.1, -0.2);
    BoundSequence bound =
        new RetentionCore(engine, new RecurrentForm())
            .bind(RetentionCall.of(a[0], a[1], a[2], decay).withScale(SCALE), core, a[3]);
    bound.step();
    a[closed].close();
    refuses(bound::step, "open array", "closed");
    assertThat(core.position(0)).isEqualTo(3);
  }

  @Test
  void closedPerTokenDecaysAreRefused() {
    INDArray g = Tensors.gaussian(3, DataType.FLOAT, 1, 3, 2);
    LogDecay decay = LogDecay.perToken(org.nd4j.linalg.ops.transforms.Transforms.abs(g).negi());
    INDArray x = x(3);
    try (BoundSequence bound =
        block.bind(new ChunkwiseForm(), BlockInput.of(x).withDecay(decay), state, x(3))) {
      bound.step();
      ((LogDecay.PerToken) decay).values().close();
      refuses(bound::step, "open array", "closed");
    }
  }

  @Test
  void aViewOfAClosedArrayIsRefused() {
    INDArray memory = x(4);
    INDArray view = tokens(memory, 1, 3);
    memory.close();
    refuses(() -> block.forward(new ChunkwiseForm(), view, state), "open array", "closed");
  }

  @Test
  void outputsThatOverlapInputsAreRefused() {
    INDArray memory = x(1200);
    INDArray x = tokens(memory, 0, 1100);
    refuses(
        () -> block.bind(new ChunkwiseForm(), BlockInput.of(x), state, tokens(memory, 1, 1101)),
        "y to be x itself",
        "overlaps");
    INDArray expected = block.forward(new ChunkwiseForm(), x.dup(), block.newState(1));
    try (BoundSequence inPlace = block.bind(new ChunkwiseForm(), BlockInput.of(x), state, x)) {
      inPlace.step();
    }
    TensorAssert.assertThat(x).isEqualTo(expected);
  }

  private static INDArray tokens(INDArray array, int from, int to) {
    return array.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  @Test
  void outputsThatOverlapDecaysAreRefused() {
    INDArray g = Nd4j.zeros(DataType.FLOAT, 1, 16, 2);
    LogDecay decay = LogDecay.perToken(g);
    INDArray y = g.reshape(1, 2, 16);
    refuses(
        () ->
            block.bind(
                new ChunkwiseForm(),
                BlockInput.of(x(2))
                    .withDecay(
                        LogDecay.perToken(
                            g.get(
                                NDArrayIndex.all(),
                                NDArrayIndex.interval(0, 2),
                                NDArrayIndex.all()))),
                state,
                y),
        "overlaps the log decay");
    INDArray q = Tensors.gaussian(1, DataType.FLOAT, 1, 16, 2, 4);
    INDArray v = Tensors.gaussian(2, DataType.FLOAT, 1, 16, 2, 1);
    refuses(
        () ->
            new RetentionCore(engine, new RecurrentForm())
                .bind(
                    RetentionCall.of(q, q, v, decay).withScale(SCALE),
                    RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 2, 4, 1),
                    g.reshape(1, 16, 2, 1)),
        "overlaps the log decay");
  }

  @Test
  void whatIsMissingIsNamed() {
    INDArray q = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 2, 4);
    RetentionState core = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 2, 4, 4);
    LogDecay decay = LogDecay.perHead(-0.1, -0.2);
    RecurrentForm form = new RecurrentForm();
    refuses(
        () ->
            new RetentionCore(engine, form)
                .advance(RetentionCall.of(null, q, q, decay).withScale(1), core),
        "q, got null");
    refuses(
        () ->
            new RetentionCore(engine, form)
                .advance(RetentionCall.of(q, null, q, decay).withScale(1), core),
        "k, got null");
    refuses(
        () ->
            new RetentionCore(engine, form)
                .advance(RetentionCall.of(q, q, null, decay).withScale(1), core),
        "v, got null");
    refuses(
        () ->
            new RetentionCore(engine, form)
                .advance(RetentionCall.of(q, q, q, null).withScale(1), core),
        "decay, got null");
    refuses(
        () ->
            new RetentionCore(engine, form)
                .advance(RetentionCall.of(q, q, q, decay).withScale(1), null),
        "state, got");
    refuses(
        () ->
            new RetentionCore(engine, null)
                .advance(RetentionCall.of(q, q, q, decay).withScale(1), core),
        "form, got null");
    refuses(() -> block.forward(null, x(1), state), "form, got null");
    refuses(() -> block.forward(form, (INDArray) null, state), "x, got null");
    refuses(() -> block.forward(form, x(1), null), "state, got null");
    refuses(() -> block.bind(form, BlockInput.of(x(1)), state, null), "y, got null");
    refuses(() -> new MultiScaleRetention(null, weights), "engine, got null");
    refuses(() -> new MultiScaleRetention(engine, null), "weights, got null");
    refuses(() -> MultiScaleRetention.random(null, CONFIG, 1), "engine, got null");
    refuses(() -> MultiScaleRetention.random(engine, null, 1), "config, got null");
    refuses(() -> RetentionWeights.of(CONFIG, null), "source, got null");
    refuses(
        () -> RetentionWeights.pack(engine, CONFIG, null, WeightType.FLOAT32),
        "parameters, got null");
    refuses(() -> RetentionWeights.random(engine, CONFIG, null, 1), "type, got null");
    refuses(() -> LogDecay.perHead((double[]) null), "got null");
    refuses(LogDecay::perHead, "log decay for each head", "got none");
    refuses(() -> LogDecay.perToken(null), "got null");
  }

  @Test
  void theCoreRefusesTheStateOfABlockWithAnotherDecay() {
    INDArray q = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 2, 8);
    INDArray v = Tensors.gaussian(2, DataType.FLOAT, 1, 3, 2, 16);
    refuses(
        () ->
            new RetentionCore(engine, new RecurrentForm())
                .advance(RetentionCall.of(q, q, v, LogDecay.perHead(-3, -2)).withScale(1), state),
        "decay of the state's configuration");
    LogDecay own = CONFIG.decay().logDecay();
    new RetentionCore(engine, new RecurrentForm())
        .advance(RetentionCall.of(q, q, v, own).withScale(1), state);
    assertThat(state.position(0)).isEqualTo(3);
  }

  @Test
  void weightsOfAnotherEngineAndClosedWeightsAreRefusedWithoutALeak() {
    try (Engine other = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN)) {
      refuses(() -> new MultiScaleRetention(other, weights), "weights of another engine");
    }
    block.forward(new ChunkwiseForm(), x(3), state);
    weights.close();
    long before = HeldMemory.liveBytes();
    assertThatThrownBy(() -> block.forward(new ChunkwiseForm(), x(3), state))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
    assertThat(state.position(0)).isEqualTo(3);
  }

  @Test
  void weightsClosedDuringAStepWaitForIt() throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    INDArray x = x(200);
    Thread stepping =
        new Thread(
            () -> {
              try (BoundSequence bound =
                  block.bind(new ChunkwiseForm(), BlockInput.of(x), state, x(200))) {
                while (true) {
                  bound.step();
                }
              } catch (RuntimeException e) {
                thrown.set(e);
              }
            });
    stepping.start();
    while (state.position(0) < 400) {
      Thread.onSpinWait();
    }
    weights.close();
    stepping.join();
    assertThat(thrown.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(state.position(0) % 200).as("a step is whole or not done").isZero();
  }

  @Test
  void chunksFarLongerThanTheTextCostLittleMemory() {
    RetentionConfig config = RetentionConfig.fla(16, 2);
    INDArray x = x(1500);
    INDArray expected = block.forward(new RecurrentForm(), x, state);
    for (RetentionForm form :
        new RetentionForm[] {
          new ChunkwiseForm(40_000), new ChunkwiseForm(Integer.MAX_VALUE), new ParallelForm(50_000)
        }) {
      long before = HeldMemory.liveBytes();
      INDArray y =
          block.forward(form, x, RetentionState.zeros(Engines.of(ElementType.FLOAT32), config, 1));
      // Two lanes, scores of at most 1024² floats and a few rows.
      assertThat(HeldMemory.liveBytes() - before).isLessThan(2L * 4 * 1024 * (1024 + 256));
      TensorAssert.assertThat(y).isCloseTo(expected, Tolerance.block(DataType.FLOAT));
    }
  }

  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }
}
