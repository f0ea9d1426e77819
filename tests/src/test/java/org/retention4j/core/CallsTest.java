package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.forms.Engines;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;

/** What calls are made of: values, whose parts nobody changes afterwards. */
class CallsTest {
  private static final LogDecay DECAY = LogDecay.perHead(-0.1, -0.2);

  /** B=2, T=3, H=2, K=16, V=5: the scale is 1/4. */
  private final INDArray q = Tensors.gaussian(1, DataType.FLOAT, 2, 3, 2, 16);

  private final INDArray k = Tensors.gaussian(2, DataType.FLOAT, 2, 3, 2, 16);
  private final INDArray v = Tensors.gaussian(3, DataType.FLOAT, 2, 3, 2, 5);
  private final INDArray x = Tensors.gaussian(4, DataType.FLOAT, 2, 3, 8);

  @Test
  void aCallTakesAllTokensAtTheScaleOfItsKeys() {
    RetentionCall call = RetentionCall.of(q, k, v, DECAY);
    assertThat(call.scale()).isEqualTo(0.25);
    assertThat(call.lengths()).containsExactly(3, 3);
    assertThat(call.decay()).isSameAs(DECAY);
    assertThat(call.withScale(2).scale()).isEqualTo(2);
    assertThat(call.withScale(2).lengths()).containsExactly(3, 3);
    assertThat(call.withLengths(0, 2).lengths()).containsExactly(0, 2);
    assertThat(call.withLengths(0, 2).scale()).isEqualTo(0.25);
  }

  @Test
  void nobodyChangesLengthsAfterwards() {
    int[] lengths = {1, 2};
    RetentionCall call = RetentionCall.of(q, k, v, DECAY).withLengths(lengths);
    BlockInput input = BlockInput.of(x).withLengths(lengths);
    lengths[0] = 3;
    call.lengths()[1] = 0;
    input.lengths()[1] = 0;
    assertThat(call.lengths()).containsExactly(1, 2);
    assertThat(input.lengths()).containsExactly(1, 2);
  }

  @Test
  void aBlockTakesAllTokensAtItsOwnDecay() {
    BlockInput input = BlockInput.of(x);
    assertThat(input.lengths()).containsExactly(3, 3);
    assertThat(input.decay()).isEmpty();
    assertThat(input.withDecay(DECAY).decay()).containsSame(DECAY);
    assertThat(input.withLengths(1, 0).withDecay(DECAY).lengths()).containsExactly(1, 0);
    assertThat(input.withDecay(DECAY).withLengths(1, 0).decay()).containsSame(DECAY);
    assertThat(input.x()).isSameAs(x);
  }

  @Test
  void saysWhatIsMissingOrWrong() {
    RetentionCall call = RetentionCall.of(q, k, v, DECAY);
    refuses(() -> RetentionCall.of(q, k, v, null), "log decay, got null");
    refuses(() -> call.withLengths((int[]) null), "lengths, got null");
    refuses(() -> call.withLengths(1), "got 1");
    refuses(() -> call.withLengths(1, 4), "row 1", "0..3", "got 4");
    refuses(() -> call.withScale(Double.NaN), "finite scale", "NaN");
    refuses(() -> call.withScale(Double.NEGATIVE_INFINITY), "finite scale", "-Infinity");
    refuses(() -> RetentionCall.of(q, k, v, LogDecay.perHead(-1)), "2 heads", "one for 1");
    refuses(() -> BlockInput.of(null), "x, got null");
    refuses(() -> BlockInput.of(q), "(B,T,D)", "[2, 3, 2, 16]");
    refuses(() -> BlockInput.of(x).withDecay(null), "log decay, got null");
    refuses(() -> BlockInput.of(x).withLengths((int[]) null), "lengths, got null");
    refuses(() -> BlockInput.of(x).withLengths(-1, 0), "row 0", "got -1");
  }

  @Test
  void aCoreSaysWhatItLacks() {
    refuses(() -> new RetentionCore(null, new RecurrentForm()), "engine, got null");
    refuses(() -> new RetentionCore(Engines.plain(), null), "form, got null");
    RetentionCore core = new RetentionCore(Engines.plain(), new RecurrentForm());
    RetentionCall call = RetentionCall.of(q, k, v, DECAY);
    try (RetentionState state = RetentionState.zeros(Engines.plain(), 2, 2, 16, 5)) {
      refuses(() -> core.advance(null, state), "call, got null");
      refuses(() -> core.advance(call, null), "state, got null");
      refuses(() -> core.bind(null, state, v.dup()), "call, got null");
      refuses(() -> core.bind(call, state, null), "out, got null");
      assertThat(state.position(0)).isZero();
    }
  }

  private static void refuses(Runnable call, String... said) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContainingAll(said);
  }
}
