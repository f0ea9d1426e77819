package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.engine.Engine;
import org.retention4j.forms.Engines;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotException;
import org.retention4j.snapshot.SnapshotReader;

/** Retention states by themselves, to bytes and back. */
class StateExchangeTest {
  private static final int HEADS = 3;
  private static final int KEY = 4;
  private static final int VALUE = 5;
  private static final LogDecay DECAY = LogDecay.perHead(Math.log(0.9), Math.log1p(-0x1p-12), 0);

  /** Written by version 1, and read for ever; see {@link #numbers}. */
  private static final String GOLDEN = "/org/retention4j/snapshot/version-1.state";

  private static final String GOLDEN_FOLDED = "/org/retention4j/snapshot/version-1-folded.state";

  private static byte[] saved(RetentionState state, NumberType type, int... rows)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    StateExchange.save(state, Channels.newChannel(bytes), type, rows);
    return bytes.toByteArray();
  }

  private static RetentionState loaded(Engine engine, byte[] bytes) throws IOException {
    return StateExchange.load(engine, Channels.newChannel(new ByteArrayInputStream(bytes)));
  }

  /** Two rows that have seen so many tokens by single steps, so that some are pending. */
  private static RetentionState advanced(Engine engine, int tokens) {
    RetentionState state = RetentionState.zeros(engine, 2, HEADS, KEY, VALUE);
    for (int t = 0; t < tokens; t++) {
      step(engine, state, t);
    }
    return state;
  }

  private static INDArray step(Engine engine, RetentionState state, int t) {
    INDArray q = random(engine, KEY, 3 * t);
    INDArray k = random(engine, KEY, 3 * t + 1);
    INDArray v = random(engine, VALUE, 3 * t + 2);
    RetentionCore core = new RetentionCore(engine, new RecurrentForm());
    return core.advance(RetentionCall.of(q, k, v, DECAY), state);
  }

  private static INDArray random(Engine engine, int width, long seed) {
    INDArray all = Nd4j.create(engine.dataType(), 2, 1, HEADS, width);
    SplittableRandom random = new SplittableRandom(seed);
    for (long i = 0; i < all.length(); i++) {
      all.putScalar(i, random.nextDouble() - 0.5);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 15, 16, 17, 33})
  void goesOnToTheBit(int tokens) throws IOException {
    for (Engine engine : new Engine[] {Engines.vector(), Engines.plain(), Engines.float64()}) {
      NumberType type = NumberType.of(engine.type());
      try (RetentionState state = advanced(engine, tokens);
          RetentionState back = loaded(engine, saved(state, type, 0, 1))) {
        assertThat(back.toArray()).isEqualTo(state.toArray());
        for (int t = tokens; t < tokens + 20; t++) {
          assertThat(step(engine, back, t)).isEqualTo(step(engine, state, t));
        }
        assertThat(back.position(1)).isEqualTo(tokens + 20L);
      }
    }
  }

  /** Another engine sees pending tokens folded; a wider one loses nothing that there was. */
  @Test
  void movesToOtherEngines() throws IOException {
    try (RetentionState state = advanced(Engines.vector(), 21);
        RetentionState wide = loaded(Engines.float64(), saved(state, NumberType.FLOAT32, 0, 1));
        RetentionState plain = loaded(Engines.plain(), saved(state, NumberType.FLOAT32, 1, 0))) {
      INDArray expected = state.toArray().castTo(DataType.DOUBLE);
      assertThat(wide.toArray().distance2(expected) / expected.norm2Number().doubleValue())
          .isLessThan(1e-6);
      assertThat(plain.position(0)).isEqualTo(21);
      assertThat(plain.toArray().slice(0).castTo(DataType.DOUBLE).distance2(expected.slice(1)))
          .isLessThan(1e-6);
    }
  }

  @Test
  void keepsConventionStartAndDecay() throws IOException {
    RetentionConfig block = RetentionConfig.fla(16, 2);
    try (RetentionState state = RetentionState.zeros(Engines.float64(), block, 1)) {
      try (RetentionState back = loaded(Engines.float64(), saved(state, NumberType.FLOAT64, 0))) {
        assertThat(back.convention()).isEqualTo(block.stateConvention());
      }
    }
    try (RetentionState first = advanced(Engines.float64(), 3);
        RetentionState second =
            RetentionState.zeros(
                Engines.float64(), 2, HEADS, KEY, VALUE, StateConvention.PLAIN, 3)) {
      step(Engines.float64(), second, 3);
      try (RetentionState back =
              loaded(Engines.float64(), saved(second, NumberType.FLOAT64, 0, 1));
          RetentionState joined = first.join(back);
          RetentionState expected = first.join(second)) {
        assertThat(joined.toArray()).isEqualTo(expected.toArray());
      }
    }
  }

  /** S[b,h,k,v] of the golden file, rows at positions 7 and 8. */
  private static double number(int b, int h, int k, int v) {
    return b + h / 4.0 + k / 64.0 - v / 1024.0;
  }

  private static INDArray numbers() {
    INDArray array = Nd4j.create(DataType.FLOAT, 2, HEADS, KEY, VALUE);
    for (int b = 0; b < 2; b++) {
      for (int h = 0; h < HEADS; h++) {
        for (int k = 0; k < KEY; k++) {
          for (int v = 0; v < VALUE; v++) {
            array.putScalar(new int[] {b, h, k, v}, number(b, h, k, v));
          }
        }
      }
    }
    return array;
  }

  @Test
  void readsWhatVersionOneWrote() throws IOException {
    byte[] golden;
    try (InputStream in = StateExchangeTest.class.getResourceAsStream(GOLDEN)) {
      golden = in.readAllBytes();
    }
    for (Engine engine : new Engine[] {Engines.vector(), Engines.plain(), Engines.float64()}) {
      try (RetentionState state = loaded(engine, golden)) {
        assertThat(state.toArray().castTo(DataType.FLOAT)).isEqualTo(numbers());
        assertThat(new long[] {state.position(0), state.position(1)}).containsExactly(7, 8);
      }
    }
    // And it is written so still: the route is information, and the rest follows from the numbers.
    try (RetentionState state =
        RetentionState.of(Engines.plain(), numbers(), new long[] {7, 8}, StateConvention.PLAIN)) {
      assertThat(saved(state, NumberType.FLOAT32, 0, 1)).isEqualTo(golden);
    }
  }

  /** The numbers, and a token pending behind them that adds 1/8 to the first row of each head. */
  private static RetentionState withTokenPending(Engine engine) {
    RetentionState state =
        RetentionState.of(engine, numbers(), new long[] {7, 8}, StateConvention.PLAIN);
    INDArray key = Nd4j.zeros(engine.dataType(), 2, 1, HEADS, KEY);
    key.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(0))
        .assign(1);
    INDArray value = Nd4j.valueArrayOf(new long[] {2, 1, HEADS, VALUE}, 0.125, engine.dataType());
    RetentionCore core = new RetentionCore(engine, new RecurrentForm());
    core.advance(RetentionCall.of(key, key, value, LogDecay.perHead(0, 0, 0)), state);
    return state;
  }

  /** Folded, for other programs: what they read, and as it is written still. */
  @Test
  void readsWhatVersionOneWroteFolded() throws IOException {
    byte[] golden;
    try (InputStream in = StateExchangeTest.class.getResourceAsStream(GOLDEN_FOLDED)) {
      golden = in.readAllBytes();
    }
    try (RetentionState state = withTokenPending(Engines.plain())) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      StateExchange.saveFolded(state, Channels.newChannel(bytes), NumberType.FLOAT32, 0, 1);
      assertThat(bytes.toByteArray()).isEqualTo(golden);
    }
    SnapshotReader reader =
        new SnapshotReader(Channels.newChannel(new ByteArrayInputStream(golden)), -1, 1 << 20);
    assertThat(reader.begin().tag()).isEqualTo(StateExchange.TAG);
    reader.skip();
    assertThat(reader.begin().tag()).isEqualTo(StateExchange.FOLDED_TAG);
    for (long shape : new long[] {NumberType.FLOAT32.ordinal(), HEADS, KEY, VALUE}) {
      assertThat(reader.getLong()).isEqualTo(shape);
    }
    double[] row = new double[VALUE];
    for (int i = 0; i < 2 * HEADS * KEY; i++) {
      reader.get(NumberType.FLOAT32, row, VALUE);
      for (int v = 0; v < VALUE; v++) {
        double number = number(i / HEADS / KEY, i / KEY % HEADS, i % KEY, v);
        assertThat(row[v]).isEqualTo(number + (i % KEY == 0 ? 0.125 : 0));
      }
    }
    reader.finish();
    try (RetentionState state = loaded(Engines.vector(), golden)) {
      assertThat(state.toArray()).isEqualTo(withTokenPending(Engines.vector()).toArray());
    }
  }

  @Test
  void refusesWhatCannotBe() throws IOException {
    RetentionState state = advanced(Engines.plain(), 2);
    byte[] bytes = saved(state, NumberType.FLOAT32, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> saved(state, NumberType.FLOAT32, 2))
        .withMessage("expected rows in 0..1, got 2");
    assertThatExceptionOfType(SnapshotException.class)
        .isThrownBy(() -> loaded(Engines.plain(), Arrays.copyOf(bytes, bytes.length - 1)))
        .withMessage("expected 1 bytes more, got the end: it is cut off");
    try (RetentionState other = RetentionState.zeros(Engines.plain(), 1, HEADS, KEY, VALUE + 1)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> state.put(0, other, 0))
          .withMessageStartingWith("expected a row of a state like FLOAT32 state (B,H,K,V)");
    }
    state.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> saved(state, NumberType.FLOAT32, 0))
        .withMessage("this retention state is closed");
  }
}
