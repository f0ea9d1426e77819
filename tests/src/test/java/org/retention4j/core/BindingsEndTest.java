package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;

/** Bound calls that are closed or interrupted, and what they say of themselves. */
class BindingsEndTest {
  private static final int D = 16;

  private final RecurrentForm form = new RecurrentForm();
  private long before;
  private Engine engine;
  private MultiScaleRetention block;
  private RetentionState state;

  @BeforeEach
  void make() {
    before = HeldMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
    block = MultiScaleRetention.random(engine, RetentionConfig.fla(D, 2), 1);
    state = block.newState(1);
  }

  @AfterEach
  void freesEverything() {
    state.close();
    block.close();
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  private static INDArray x(int tokens) {
    return Tensors.gaussian(1, DataType.FLOAT, 1, tokens, D);
  }

  private static void isClosed(BoundSequence bound) {
    bound.close();
    bound.close();
    assertThatIllegalStateException()
        .isThrownBy(bound::step)
        .withMessageContaining("binding is closed");
  }

  @Test
  void aClosedBindingTakesNoStep() {
    INDArray q = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 2, 8);
    INDArray v = Tensors.gaussian(2, DataType.FLOAT, 1, 3, 2, 16);
    RetentionCall call = RetentionCall.of(q, q, v, block.config().decay().logDecay());
    isClosed(new RetentionCore(engine, form).bind(call, state, v.dup()));
    isClosed(block.bind(form, BlockInput.of(x(3)), state, x(3)));
    isClosed(block.decoder(form, state));
    assertThat(state.position(0)).isZero();
  }

  @Test
  void aBindingFreesItsBuffersWithItself() {
    BoundSequence bound = block.bind(form, BlockInput.of(x(3)), state, x(3));
    bound.step();
    long kept = HeldMemory.liveBytes();
    BoundSequence second = block.bind(form, BlockInput.of(x(3)), state, x(3));
    assertThat(HeldMemory.liveBytes()).isGreaterThan(kept);
    second.close();
    assertThat(HeldMemory.liveBytes()).isEqualTo(kept);
    bound.close();
    assertThat(HeldMemory.liveBytes()).isLessThan(kept);
  }

  /** Micro-batches are of 512 tokens here; the first is always taken. */
  @Test
  void anInterruptEndsAStepBehindAMicroBatch() {
    INDArray x = x(1100);
    INDArray y = Nd4j.zeros(DataType.FLOAT, 1, 1100, D);
    try (BoundSequence bound = block.bind(form, BlockInput.of(x), state, y);
        BoundSequence shorter = block.bind(form, BlockInput.of(x(512)), state, x(512))) {
      Thread.currentThread().interrupt();
      shorter.step();
      assertThat(state.position(0)).isEqualTo(512);
      assertThatExceptionOfType(CancellationException.class)
          .isThrownBy(bound::step)
          .withMessageContaining("after 512 of 1100 tokens");
      assertThat(Thread.interrupted()).isTrue();
      assertThat(state.position(0)).isEqualTo(1024);
      bound.step();
      assertThat(state.position(0)).isEqualTo(1024 + 1100);
    } finally {
      Thread.interrupted();
    }
  }

  @Test
  void saysWithWhatItComputes() {
    INDArray q = Tensors.gaussian(1, DataType.FLOAT, 1, 3, 2, 8);
    INDArray v = Tensors.gaussian(2, DataType.FLOAT, 1, 3, 2, 16);
    RetentionCall call = RetentionCall.of(q, q, v, block.config().decay().logDecay());
    try (BoundSequence core = new RetentionCore(engine, form).bind(call, state, v.dup());
        BoundSequence bound = block.bind(form, BlockInput.of(x(1)), state, x(1));
        TokenDecoder decoder = block.decoder(form, state)) {
      assertThat(core.implementation()).isNotEmpty().isEqualTo(engine.kernelsName());
      assertThat(bound.implementation()).isNotEmpty();
      assertThat(decoder.implementation()).isEqualTo(bound.implementation());
    }
  }

  /** What a decoder writes for a token is what the block gives for it. */
  @Test
  void aDecoderReadsItsInputAndWritesItsOutput() {
    INDArray x = x(1);
    INDArray expected = block.forward(form, x, state);
    try (RetentionState own = block.newState(1);
        TokenDecoder decoder = block.decoder(form, own)) {
      assertThat(decoder.input().shape()).containsExactly(1, 1, D);
      decoder.input().assign(x);
      decoder.step();
      assertThat(decoder.output()).isEqualTo(expected);
      assertThat(own.position(0)).isEqualTo(1);
      own.close();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> block.decoder(form, own))
          .withMessageContaining("closed");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> block.decoder(form, null))
        .withMessageContaining("state, got null");
  }

  @Test
  void randomBlocksAreOfTheEnginesType() {
    assertThat(block.weights().type()).isEqualTo(WeightType.FLOAT32);
    assertThat(block.weights().engine()).isSameAs(engine);
    try (Engine wide = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
        MultiScaleRetention exact = MultiScaleRetention.random(wide, block.config(), 1)) {
      assertThat(exact.weights().type()).isEqualTo(WeightType.FLOAT64);
      assertThat(exact.config()).isEqualTo(block.config());
    }
  }
}
