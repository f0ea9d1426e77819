package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.testkit.Tensors;

/** States that move to another engine, and how far positions and sizes reach. */
class StateTravelsTest {
  private static final long[] POSITIONS = {5, 9};

  private final INDArray wide = Tensors.gaussian(4, DataType.DOUBLE, 2, 2, 3, 5);
  private final INDArray narrow = wide.castTo(DataType.FLOAT);

  private static RetentionState state(Engine engine, INDArray array) {
    return RetentionState.of(engine, array, POSITIONS, StateConvention.PLAIN);
  }

  /**
   * Between layouts and to a wider type nothing is lost, to a narrower one each number is rounded.
   */
  @Test
  void arrivesWithTheNumbersItLeftWith() {
    INDArray widened = narrow.castTo(DataType.DOUBLE);
    check(Engines.plain(), narrow, Engines.vector(), narrow);
    check(Engines.vector(), narrow, Engines.plain(), narrow);
    check(Engines.vector(), narrow, Engines.vector(), narrow);
    check(Engines.plain(), narrow, Engines.float64(), widened);
    check(Engines.float64(), wide, Engines.float64(), wide);
    check(Engines.float64(), wide, Engines.plain(), narrow);
    check(Engines.float64(), wide, Engines.vector(), narrow);
  }

  @Test
  void leavesNothingBehind() {
    long before = HeldMemory.liveBytes();
    try (RetentionState left = state(Engines.float64(), wide);
        RetentionState alike = left.copyTo(Engines.float64());
        RetentionState narrower = left.copyTo(Engines.plain())) {
      assertThat(HeldMemory.liveBytes() - before)
          .isEqualTo(left.bytes() + alike.bytes() + narrower.bytes());
    }
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  private static void check(Engine from, INDArray array, Engine to, INDArray expected) {
    try (RetentionState left = state(from, array);
        RetentionState arrived = left.copyTo(to)) {
      assertThat(arrived.toArray()).isEqualTo(expected);
      assertThat(arrived.engine()).isSameAs(to);
      assertThat(arrived.type()).isEqualTo(to.type());
      assertThat(arrived.convention()).isEqualTo(StateConvention.PLAIN);
      assertThat(List.of(arrived.position(0), arrived.position(1))).containsExactly(5L, 9L);
      assertThat(left.toArray()).isEqualTo(array);
      advance(to, arrived);
      assertThat(arrived.position(0)).isEqualTo(6);
      assertThat(left.position(0)).isEqualTo(5);
      assertThat(left.toArray()).isEqualTo(array);
    }
  }

  private static void advance(Engine engine, RetentionState state) {
    INDArray k = Tensors.gaussian(1, engine.dataType(), 2, 1, 2, 3);
    INDArray v = Tensors.gaussian(2, engine.dataType(), 2, 1, 2, 5);
    LogDecay decay = LogDecay.perHead(-0.1, -0.2);
    new RetentionCore(engine, new ChunkwiseForm(4))
        .advance(RetentionCall.of(k, k, v, decay), state);
  }

  /** It is refused where its numbers lie otherwise, with the way out. */
  @Test
  void isSentToTheEngineBeforeItIsUsedThere() {
    try (RetentionState state = state(Engines.plain(), narrow)) {
      refuses(() -> advance(Engines.vector(), state), "route", "copyTo(engine)");
      refuses(() -> state.copyTo(null), "engine, got null");
      assertThat(state.toArray()).isEqualTo(narrow);
    }
  }

  /**
   * A segment that moved is still one: it began from zero and can be joined to what precedes it.
   */
  @Test
  void keepsWhatItNeedsToBeJoined() {
    try (RetentionState first = RetentionState.zeros(Engines.plain(), 2, 2, 3, 5);
        RetentionState second =
            RetentionState.zeros(Engines.float64(), 2, 2, 3, 5, StateConvention.PLAIN, 1)) {
      advance(Engines.plain(), first);
      advance(Engines.float64(), second);
      try (RetentionState moved = first.copyTo(Engines.float64());
          RetentionState joined = moved.join(second)) {
        assertThat(joined.position(1)).isEqualTo(2);
      }
    }
  }

  @Test
  void positionsReachAsFarAsAnglesHaveDigits() {
    long last = 1L << 50;
    Engine engine = Engines.plain();
    long[] far = {0, last};
    try (RetentionState state = RetentionState.of(engine, narrow, far, StateConvention.PLAIN);
        RetentionState zeros =
            RetentionState.zeros(engine, 1, 1, 1, 1, StateConvention.PLAIN, last)) {
      assertThat(state.position(1)).isEqualTo(last);
      assertThat(zeros.position(0)).isEqualTo(last);
    }
    for (long wrong : new long[] {-1, last + 1}) {
      refuses(
          () -> RetentionState.of(engine, narrow, new long[] {0, wrong}, StateConvention.PLAIN),
          "positions in 0..1125899906842624",
          "got " + wrong);
      refuses(
          () -> RetentionState.zeros(engine, 1, 1, 1, 1, StateConvention.PLAIN, wrong),
          "start position in 0..1125899906842624",
          "got " + wrong);
    }
  }

  @Test
  void everySizeIsAtLeastOne() {
    for (int i = 0; i < 4; i++) {
      int[] size = {1, 1, 1, 1};
      size[i] = 0;
      refuses(
          () -> RetentionState.zeros(Engines.plain(), size[0], size[1], size[2], size[3]),
          "all sizes >= 1",
          String.format("(%d,%d,%d,%d)", size[0], size[1], size[2], size[3]));
    }
    try (RetentionState state = state(Engines.plain(), narrow)) {
      assertThat(state.batch()).isEqualTo(2);
      assertThat(state.heads()).isEqualTo(2);
      assertThat(state.keyWidth()).isEqualTo(3);
      assertThat(state.valueWidth()).isEqualTo(5);
      refuses(() -> state.select(), "at least one row");
      refuses(() -> state.select(2), "rows in 0..1", "got 2");
      refuses(() -> state.select(-1), "rows in 0..1", "got -1");
    }
  }

  /** Each part that is missing is named, and what stands in its place is not touched. */
  @Test
  void saysWhatIsMissing() {
    Engine engine = Engines.plain();
    StateConvention plain = StateConvention.PLAIN;
    refuses(() -> RetentionState.of(null, narrow, POSITIONS, plain), "engine, got null");
    refuses(() -> RetentionState.of(engine, null, POSITIONS, plain), "state, got null");
    refuses(() -> RetentionState.of(engine, narrow, null, plain), "positions, got null");
    refuses(() -> RetentionState.of(engine, narrow, POSITIONS, null), "convention, got null");
    refuses(() -> RetentionState.of(engine, wide, POSITIONS, plain), "a state", "DOUBLE");
    refuses(() -> RetentionState.zeros(null, 1, 1, 1, 1), "engine, got null");
    refuses(() -> RetentionState.zeros(engine, null, 1), "config, got null");
    RetentionConfig config = RetentionConfig.fla(8, 2);
    refuses(() -> RetentionState.zeros(engine, config, 0), "all sizes >= 1", "(0,2,");
    refuses(() -> RetentionState.zeros(null, config, 1), "engine, got null");
    try (RetentionState state = state(engine, narrow)) {
      refuses(() -> state.select((int[]) null), "rows, got null");
      refuses(() -> state.join(null), "state, got null");
    }
  }

  /** Two heads of 4·8 numbers; float32 keeps sixteen rows of keys and values beside them. */
  @Test
  void aSequencesBytesAreThoseThatAStateHolds() {
    RetentionConfig config = RetentionConfig.fla(8, 2);
    assertThat(config.keyWidth()).isEqualTo(4);
    assertThat(config.valueWidth()).isEqualTo(8);
    assertThat(RetentionState.bytes(config, ElementType.FLOAT64)).isEqualTo(2 * 4 * 8 * 8);
    assertThat(RetentionState.bytes(config, ElementType.FLOAT32))
        .isEqualTo(2 * (4 * 8 + 16 * (4 + 8)) * 4);
    for (Engine engine : List.of(Engines.float64(), Engines.plain(), Engines.vector())) {
      try (RetentionState state = RetentionState.zeros(engine, config, 3)) {
        assertThat(state.bytes()).isEqualTo(3 * RetentionState.bytes(config, engine.type()));
        assertThat(state.convention()).isEqualTo(config.stateConvention());
      }
    }
  }

  private static void refuses(Runnable call, String... said) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContainingAll(said);
  }
}
