package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** States after calls that ended before their end: whole up to a piece, or refused. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HalfAdvancedTest {
  private static final RetentionConfig CONFIG = RetentionConfig.fla(16, 4);
  private static final LogDecay.PerHead DECAY = CONFIG.decay().logDecay();
  private static final int PIECE = MicroBatches.ROWS;

  private final Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN);
  private final RetentionWeights weights =
      RetentionWeights.random(engine, CONFIG, WeightType.FLOAT32, 1);
  private final MultiScaleRetention block = new MultiScaleRetention(engine, weights);
  private final INDArray x = Tensors.gaussian(1, DataType.FLOAT, 1, 5, 16);
  private final INDArray q = Tensors.gaussian(2, DataType.FLOAT, 1, 5, 4, 4);

  @AfterEach
  void close() {
    weights.close();
    engine.close();
  }

  /** The recurrent form in pieces, with something done for head {@code head} before it advances. */
  private record Meddling(int head, Runnable work) implements RetentionForm {
    @Override
    public String name() {
      return "meddling";
    }

    @Override
    public MicroBatches microBatches() {
      return MicroBatches.FULL;
    }

    @Override
    public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
      HeadKernel kernel = new RecurrentForm().prepare(lane, keyWidth, valueWidth);
      return pass -> {
        if (pass.head() == head) {
          work.run();
        }
        kernel.advance(pass);
      };
    }
  }

  private static RetentionForm failing() {
    return new Meddling(
        3,
        () -> {
          throw new OutOfMemoryError("test");
        });
  }

  private void assertGoesNowhere(RetentionState state, ThrowingCallable again) {
    RetentionState whole = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 4, 4, 4);
    for (ThrowingCallable use :
        List.<ThrowingCallable>of(
            again, state::copy, () -> state.select(0), () -> whole.join(state))) {
      assertThatIllegalStateException()
          .isThrownBy(use)
          .withMessageContainingAll("half-way", "cannot go on");
    }
    assertThat(state.position(0)).isZero();
    assertThat(state.toArray().amaxNumber().doubleValue()).isPositive(); // to be looked at
  }

  @Test
  void theCoreRefusesAStateThatSomeHeadsHaveAdvanced() {
    RetentionState state = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 4, 4, 4);
    BoundSequence failing = bind(failing(), state);
    assertThatThrownBy(failing::step).isInstanceOf(OutOfMemoryError.class);
    assertGoesNowhere(
        state,
        () ->
            new RetentionCore(engine, new RecurrentForm())
                .advance(RetentionCall.of(q, q, q, DECAY).withScale(1), state));
    assertThatIllegalStateException().isThrownBy(failing::step);
  }

  private BoundSequence bind(RetentionForm form, RetentionState state) {
    INDArray out = Nd4j.create(DataType.FLOAT, 1, 5, 4, 4);
    return new RetentionCore(engine, form)
        .bind(RetentionCall.of(q, q, q, DECAY).withScale(1), state, out);
  }

  @Test
  void theBlockRefusesAStateThatSomeHeadsHaveAdvanced() {
    RetentionState state = block.newState(1);
    assertThatThrownBy(() -> block.forward(failing(), x, state))
        .isInstanceOf(OutOfMemoryError.class);
    for (RetentionForm form : List.of(new RecurrentForm(), new ChunkwiseForm())) {
      assertThatIllegalStateException()
          .isThrownBy(() -> block.forward(form, x, state))
          .withMessageContaining("half-way");
    }
    assertThatIllegalStateException().isThrownBy(state::copy);
  }

  /** Refused before anything was advanced: the state is as it was and goes on. */
  @Test
  void aRefusedCallTearsNothing() {
    RetentionState state = RetentionState.zeros(Engines.of(ElementType.FLOAT32), 1, 4, 4, 4);
    Engine closed = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
    INDArray out = Nd4j.create(DataType.FLOAT, 1, 5, 4, 4);
    BoundSequence bound =
        new RetentionCore(closed, new RecurrentForm())
            .bind(RetentionCall.of(q, q, q, DECAY).withScale(1), state, out);
    closed.close();
    assertThatIllegalStateException().isThrownBy(bound::step).withMessageContaining("closed");
    bind(new RecurrentForm(), state).step();
    assertThat(state.position(0)).isEqualTo(5);
    assertThat(state.copy().toArray()).isEqualTo(state.toArray());
  }

  /** A form that fails while it is prepared leaves no memory behind. */
  @Test
  void aBindingThatFailsFreesWhatItHad() {
    long before = HeldMemory.liveBytes();
    RetentionForm form =
        new RetentionForm() {
          @Override
          public String name() {
            return "failing";
          }

          @Override
          public MicroBatches microBatches() {
            return MicroBatches.WHOLE;
          }

          @Override
          public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
            throw new OutOfMemoryError("test");
          }
        };
    RetentionState state = block.newState(1);
    assertThatThrownBy(() -> block.forward(form, x, state)).isInstanceOf(OutOfMemoryError.class);
    state.close();
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  /** An interrupt ends a long call between two pieces; what was read stands. */
  @Test
  void anInterruptEndsALongCallBehindAPiece() {
    INDArray longer = Tensors.gaussian(3, DataType.FLOAT, 1, 5 * PIECE, 16);
    INDArray expected = block.forward(new RecurrentForm(), longer, block.newState(1));
    AtomicInteger pieces = new AtomicInteger();
    Thread caller = Thread.currentThread();
    RetentionForm interrupting =
        new Meddling(
            0,
            () -> {
              if (pieces.incrementAndGet() == 2) {
                caller.interrupt();
              }
            });
    RetentionState state = block.newState(1);
    INDArray y = longer.dup();
    try (BoundSequence bound = block.bind(interrupting, BlockInput.of(longer), state, y)) {
      assertThatThrownBy(bound::step)
          .isInstanceOf(CancellationException.class)
          .hasMessageContainingAll("after " + 2 * PIECE, "of " + 5 * PIECE);
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(state.position(0)).isEqualTo(2 * PIECE);
    Tolerance tolerance = Tolerance.block(DataType.FLOAT);
    assertThat(Tensors.tokens(y, 0, 2 * PIECE).dup())
        .isCloseTo(Tensors.tokens(expected, 0, 2 * PIECE).dup(), tolerance);
    INDArray rest = Tensors.tokens(longer, 2 * PIECE, 5 * PIECE).dup();
    assertThat(block.forward(interrupting, rest, state))
        .isCloseTo(Tensors.tokens(expected, 2 * PIECE, 5 * PIECE).dup(), tolerance);
  }

  /** Between two pieces of a long call another thread has its turn. */
  @Test
  void othersHaveTheirTurnBetweenPieces() throws Exception {
    AtomicInteger pieces = new AtomicInteger();
    AtomicInteger seen = new AtomicInteger();
    Thread other = new Thread(() -> engine.exclusively(() -> seen.set(pieces.get())));
    RetentionForm slow =
        new Meddling(
            0,
            () -> {
              if (pieces.incrementAndGet() == 1) {
                other.start();
                while (other.getState() != Thread.State.WAITING) {
                  Thread.onSpinWait();
                }
              }
            });
    block.forward(slow, Tensors.gaussian(3, DataType.FLOAT, 1, 50 * PIECE, 16), block.newState(1));
    other.join();
    assertThat(seen).hasValue(1);
    assertThat(pieces).hasValue(50);
  }
}
