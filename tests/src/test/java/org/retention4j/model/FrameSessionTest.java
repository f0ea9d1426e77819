package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BlockInput;
import org.retention4j.core.Resets;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Sessions over frames: in pieces, in batches, begun anew, taken back. */
class FrameSessionTest {
  private static final int D = Stacks.WIDTH;
  private static final Tolerance CLOSE = Tolerance.block(DataType.FLOAT);

  private long before;
  private Engine engine;

  @BeforeEach
  void openEngine() {
    before = HeldMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
  }

  @AfterEach
  void freesEverything() {
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  static List<StackConfig> stacks() {
    return Stacks.all();
  }

  private DecoderStack stack(StackConfig config) {
    return DecoderStack.random(engine, config, WeightType.FLOAT32, 3);
  }

  private static INDArray frames(long seed, int batch, int tokens) {
    return Tensors.gaussian(seed, DataType.FLOAT, batch, tokens, D);
  }

  /** Single frames as float[], batches as arrays: the same outputs, wherever they are cut. */
  @ParameterizedTest
  @MethodSource("stacks")
  void givesTheSameHoweverFramesCome(StackConfig config) {
    INDArray frames = frames(1, 1, 66);
    try (DecoderStack stack = stack(config);
        FrameSession session = stack.newSession()) {
      INDArray whole = stack.forward(frames);
      float[] out = new float[D];
      for (int t = 0; t < 7; t++) {
        float[] in = Tensors.tokens(frames, t, t + 1).ravel().toFloatVector();
        session.step(in, out);
        assertThat(Tensors.of(widened(out), DataType.FLOAT, 1, 1, D))
            .as("frame %d", t)
            .isCloseTo(Tensors.tokens(whole, t, t + 1), CLOSE);
      }
      INDArray rest = session.append(Tensors.tokens(frames, 7, 66));
      assertThat(rest).isCloseTo(Tensors.tokens(whole, 7, 66), CLOSE);
      assertThat(session.position(0)).isEqualTo(66);
    }
  }

  private static double[] widened(float[] x) {
    double[] wide = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      wide[i] = x[i];
    }
    return wide;
  }

  /** Rows of a batch give what they give alone, rows without a frame stay as they are. */
  @ParameterizedTest
  @MethodSource("stacks")
  void rowsAreApart(StackConfig config) {
    INDArray frames = frames(2, 3, 20);
    try (DecoderStack stack = stack(config);
        FrameSession session = stack.newSession(3, SessionOptions.DEFAULT)) {
      INDArray outputs = session.append(BlockInput.of(frames).withLengths(20, 0, 7));
      assertThat(session.position(1)).isZero();
      assertThat(Tensors.flat(Tensors.rows(outputs, 1, 2))).containsOnly(0);
      float[][] in = {null, new float[D], row(frames, 2, 7)};
      float[][] out = {null, new float[D], new float[D]};
      session.step(in, out);
      assertThat(new long[] {session.position(0), session.position(1), session.position(2)})
          .containsExactly(20, 1, 8);
      INDArray alone = stack.forward(Tensors.tokens(Tensors.rows(frames, 2, 3), 0, 8));
      assertThat(Tensors.tokens(Tensors.rows(outputs, 2, 3), 0, 7))
          .isCloseTo(Tensors.tokens(alone, 0, 7), CLOSE);
      assertThat(Tensors.of(widened(out[2]), DataType.FLOAT, 1, 1, D))
          .isCloseTo(Tensors.tokens(alone, 7, 8), CLOSE);
    }
  }

  private static float[] row(INDArray frames, int b, int t) {
    return Tensors.tokens(Tensors.rows(frames, b, b + 1), t, t + 1).ravel().toFloatVector();
  }

  /** Sequences in one row, and a row that begins anew between calls, equal those apart. */
  @ParameterizedTest
  @MethodSource("stacks")
  void beginsAnew(StackConfig config) {
    INDArray frames = frames(3, 2, 66);
    Resets resets = Resets.cumulative(new int[] {0, 1, 33, 65, 66}, new int[] {0, 66});
    try (DecoderStack stack = stack(config);
        FrameSession session = stack.newSession(2, SessionOptions.DEFAULT)) {
      INDArray packed = session.append(BlockInput.of(frames).withResets(resets));
      int[] starts = {0, 1, 33, 65, 66};
      for (int i = 0; i < 4; i++) {
        INDArray part = Tensors.tokens(Tensors.rows(frames, 0, 1), starts[i], starts[i + 1]);
        assertThat(Tensors.tokens(Tensors.rows(packed, 0, 1), starts[i], starts[i + 1]))
            .as("sequence %d", i)
            .isCloseTo(stack.forward(Tensors.copy(part)), CLOSE);
      }
      assertThat(session.position(0)).isEqualTo(1);
      session.reset(0);
      assertThat(session.position(0)).isZero();
      assertThat(session.position(1)).isEqualTo(66);
      INDArray more = frames(4, 2, 9);
      INDArray outputs = session.append(more);
      assertThat(Tensors.rows(outputs, 0, 1))
          .isCloseTo(stack.forward(Tensors.copy(Tensors.rows(more, 0, 1))), CLOSE);
      INDArray other = Tensors.concatTokens(Tensors.rows(frames, 1, 2), Tensors.rows(more, 1, 2));
      assertThat(Tensors.rows(outputs, 1, 2))
          .isCloseTo(Tensors.tokens(stack.forward(other), 66, 75), CLOSE);
    }
  }

  /** A NaN that a row has seen is gone when it begins anew, and never was in another row. */
  @Test
  void forgetsANaN() {
    try (DecoderStack stack = stack(Stacks.diarisation(D, 3, 2));
        FrameSession session = stack.newSession(2, SessionOptions.DEFAULT)) {
      INDArray spoilt = Tensors.with(frames(5, 2, 3), 4, Double.NaN);
      INDArray outputs = session.append(spoilt);
      assertThat(Tensors.flat(Tensors.rows(outputs, 0, 1))).contains(Double.NaN);
      assertThat(Tensors.flat(Tensors.rows(outputs, 1, 2))).doesNotContain(Double.NaN);
      session.reset(0);
      assertThat(Tensors.flat(session.append(frames(6, 2, 3)))).doesNotContain(Double.NaN);
    }
  }

  /** Copies go on bit for bit; what is taken back has left no trace. */
  @ParameterizedTest
  @MethodSource("stacks")
  void forksAndRollsBack(StackConfig config) {
    INDArray first = frames(7, 2, 20);
    INDArray then = frames(8, 2, 5);
    try (DecoderStack stack = stack(config);
        FrameSession session = stack.newSession(2, SessionOptions.DEFAULT)) {
      session.append(first);
      try (FrameSession fork = session.fork();
          FrameSession swapped = session.select(1, 0, 1);
          FrameSession.Mark mark = session.mark()) {
        INDArray expected = session.append(then);
        session.reset(1);
        session.append(first);
        session.rollback(mark);
        assertThat(session.position(1)).isEqualTo(20);
        assertThat(session.append(then)).isEqualTo(expected);
        assertThat(fork.append(then)).isEqualTo(expected);
        assertThat(swapped.batch()).isEqualTo(3);
        INDArray row = Tensors.copy(Tensors.rows(then, 1, 2));
        INDArray three = Tensors.copy(Tensors.rows(then, 0, 1));
        INDArray batch = org.nd4j.linalg.factory.Nd4j.concat(0, row, three, row);
        INDArray outputs = swapped.append(batch);
        assertThat(Tensors.rows(outputs, 2, 3)).isCloseTo(Tensors.rows(expected, 1, 2), CLOSE);
      }
    }
  }

  /** Weights by name, from wherever they are, make the stack that they were taken from. */
  @Test
  void takesWeightsByName() {
    StackConfig config = Stacks.diarisation(D, 3, 2);
    Map<String, double[]> tensors = new HashMap<>();
    long seed = 1;
    for (WeightSpec weight : config.weights()) {
      tensors.put(
          weight.name(),
          Tensors.flat(Tensors.gaussian(seed++, DataType.FLOAT, 1, weight.elements())));
    }
    assertThat(tensors)
        .containsKeys(
            "layers.0.mixer norm",
            "layers.0.mixer norm bias",
            "layers.0.query",
            "layers.1.output bias",
            "layers.1.feed-forward norm",
            "layers.1.feed-forward up",
            "layers.1.feed-forward down bias",
            "norm",
            "norm bias")
        .doesNotContainKey("layers.0.feed-forward gate");
    WeightSource source =
        WeightSource.of(engine, WeightType.FLOAT32, weight -> tensors.get(weight.name()));
    INDArray frames = frames(9, 1, 4);
    try (DecoderStack stack = DecoderStack.of(config, source)) {
      assertThat(config.parameters())
          .isEqualTo(tensors.values().stream().mapToLong(v -> v.length).sum());
      INDArray y = stack.forward(frames);
      // The last bias moves every output by itself.
      double[] bias = tensors.get("norm bias");
      tensors.put("norm bias", new double[D]);
      try (DecoderStack unshifted = DecoderStack.of(config, source)) {
        double[] shifted = Tensors.flat(unshifted.forward(frames));
        for (int i = 0; i < shifted.length; i++) {
          shifted[i] += bias[i % D];
        }
        assertThat(y).isCloseTo(Tensors.of(shifted, DataType.FLOAT, 1, 4, D), CLOSE);
      }
    }
  }

  /** What is held does not depend on how much was seen. */
  @Test
  void memoryIsConstant() {
    try (DecoderStack stack = stack(Stacks.diarisation(D, 3, 2));
        FrameSession session = stack.newSession()) {
      float[] frame = new float[D];
      session.step(frame, frame);
      long bytes = session.bytes();
      long live = HeldMemory.liveBytes();
      for (int t = 0; t < 2000; t++) {
        frame[t % D] = t % 7 - 3;
        session.step(frame, new float[D]);
      }
      assertThat(session.bytes()).isEqualTo(bytes);
      assertThat(HeldMemory.liveBytes()).isEqualTo(live);
    }
  }
}
