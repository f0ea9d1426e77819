package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.WeightSource;
import org.retention4j.testkit.Tensors;

/** What a session over frames refuses, with what was expected and what came, and untouched. */
class FrameSessionErrorsTest {
  private static final int D = Stacks.WIDTH;

  private final DecoderStack stack =
      DecoderStack.random(Engines.plain(), Stacks.hybrid(), WeightType.FLOAT32, 3);
  private final FrameSession session =
      stack.newSession(2, SessionOptions.DEFAULT.withCache(KvCacheOptions.preallocated(12)));

  @AfterEach
  void close() {
    session.close();
    stack.close();
  }

  private void refuses(Runnable call, String... parts) {
    INDArray before = session.state(0);
    assertThatIllegalArgumentException()
        .isThrownBy(call::run)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    assertThat(session.state(0)).isEqualTo(before);
    assertThat(session.position(0)).isEqualTo(2);
  }

  private static INDArray frames(int batch, int tokens, int width) {
    return Tensors.gaussian(1, DataType.FLOAT, batch, tokens, width);
  }

  @Test
  void refusesWhatDoesNotFit() {
    session.append(frames(2, 2, D));
    refuses(() -> session.append(frames(2, 3, D + 1)), "(2,T,24)", "[2, 3, 25]");
    refuses(() -> session.append(frames(3, 3, D)), "(2,T,24)", "[3, 3, 24]");
    refuses(() -> session.append(frames(2, 3, D).castTo(DataType.DOUBLE)), "FLOAT", "DOUBLE");
    INDArray good = frames(2, 3, D);
    BlockInput input = BlockInput.of(good);
    refuses(() -> session.append(input, frames(2, 2, D)), "[2, 3, 24]", "[2, 2, 24]");
    INDArray wide = frames(2, 4, D);
    refuses(
        () ->
            session.append(
                BlockInput.of(wide.get(all(), interval(0, 3), all())),
                wide.get(all(), interval(1, 4), all())),
        "memory of their own",
        "overlap");
    refuses(
        () -> session.append(input.withDecay(LogDecay.perToken(Nd4j.zeros(2, 3, 2)))),
        "frames alone",
        "log decay");
    refuses(() -> session.append(input.withKeyValues(good)), "frames alone", "key/value stream");
    refuses(() -> session.append(input.withResets(Resets.mask(new boolean[2][4]))), "3", "4");
    refuses(() -> session.append((INDArray) null), "frames, got null");
  }

  @Test
  void refusesFramesOfAnotherWidth() {
    session.append(frames(2, 2, D));
    float[][] out = {new float[D], new float[D]};
    refuses(() -> session.step(new float[D], new float[D]), "2 rows", "single");
    refuses(() -> session.step(new float[1][D], out), "2 rows", "1 and 2");
    refuses(() -> session.step(new float[][] {null, new float[23]}, out), "24", "row 1", "23");
    refuses(() -> session.step(new float[2][D], new float[2][3]), "room for 24", "3");
    refuses(() -> session.step(new float[2][D], new float[2][]), "room for 24", "none");
    refuses(() -> session.reset(2), "0..1", "2");
    refuses(() -> session.select(), "at least one row");
  }

  /** On request no NaN comes in; by default nobody looks. */
  @Test
  void checksFramesOnRequest() {
    session.append(frames(2, 2, D));
    session.checkingFrames(true);
    INDArray spoilt = Tensors.with(frames(2, 3, D), 2 * D + 5, Double.POSITIVE_INFINITY);
    refuses(() -> session.append(spoilt), "finite frames, got Infinity at (0,2,5)");
    session.append(BlockInput.of(spoilt).withLengths(2, 3));
    session.reset(0);
    session.append(BlockInput.of(frames(2, 2, D)).withLengths(2, 0));
    float[][] in = new float[2][D];
    in[1][3] = Float.NaN;
    refuses(() -> session.step(in, new float[2][D]), "finite frames, got NaN at (1,0,3)");
    try (FrameSession fork = session.fork()) {
      assertThatIllegalArgumentException().isThrownBy(() -> fork.step(in, new float[2][D]));
    }
    session.checkingFrames(false).step(in, new float[2][D]);
  }

  /** The window's cache holds 12: refused before anything is seen, resets counted. */
  @Test
  void refusesMoreThanACacheHolds() {
    StackConfig config =
        StackConfig.of(
            List.of(
                new LayerConfig(
                    org.retention4j.model.mixer.attention.AttentionConfig.multiHead(D, 2),
                    20,
                    org.retention4j.engine.ops.Activation.SILU)));
    SessionOptions twelve = SessionOptions.DEFAULT.withCache(KvCacheOptions.preallocated(12));
    try (DecoderStack attention =
            DecoderStack.random(Engines.plain(), config, WeightType.FLOAT32, 1);
        FrameSession full = attention.newSession(1, twelve)) {
      full.append(frames(1, 5, D));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> full.append(frames(1, 8, D)))
          .withMessageContaining("12")
          .withMessageContaining("13");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  full.append(
                      BlockInput.of(frames(1, 20, D))
                          .withResets(Resets.mask(new boolean[][] {mask(20, 7)}))))
          .withMessageContaining("at most 12 tokens")
          .withMessageContaining("got 13");
      assertThat(full.position(0)).isEqualTo(5);
      full.append(
          BlockInput.of(frames(1, 19, D)).withResets(Resets.mask(new boolean[][] {mask(19, 7)})));
      assertThat(full.position(0)).isEqualTo(12);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> full.step(new float[D], new float[D]))
          .withMessageContaining("12");
      full.reset(0);
      full.step(new float[D], new float[D]);
    }
  }

  private static boolean[] mask(int tokens, int at) {
    boolean[] mask = new boolean[tokens];
    mask[at] = true;
    return mask;
  }

  @Test
  void refusesMarksOfOthers() {
    try (FrameSession other = session.fork();
        FrameSession.Mark mark = other.mark()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.rollback(mark))
          .withMessageContaining("another session");
      mark.close();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> other.rollback(mark))
          .withMessageContaining("ended");
    }
  }

  @Test
  void reportsUseAfterClose() {
    FrameSession fork = session.fork();
    fork.step(new float[2][D], new float[2][D]);
    fork.close();
    fork.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> fork.step(new float[2][D], new float[2][D]))
        .withMessageContaining("closed");
    stack.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> session.step(new float[2][D], new float[2][D]))
        .withMessageContaining("stack is closed");
    assertThatIllegalStateException().isThrownBy(() -> stack.newSession());
  }

  /** An interrupt ends a call before it begins; the session stands where it stood. */
  @Test
  void stopsAtAnInterrupt() {
    try (DecoderStack retention =
            DecoderStack.random(
                Engines.plain(), Stacks.diarisation(D, 3, 1), WeightType.FLOAT32, 1);
        FrameSession single = retention.newSession()) {
      INDArray long4000 = frames(1, 4000, D);
      INDArray out = Nd4j.zeros(DataType.FLOAT, 1, 4000, D);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> single.append(BlockInput.of(long4000), out))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("0 of 4000 frames");
      assertThat(Thread.interrupted()).isTrue();
      assertThat(single.position(0)).isZero();
      single.append(BlockInput.of(long4000), out);
      org.retention4j.testkit.TensorAssert.assertThat(out)
          .isCloseTo(
              retention.forward(long4000), org.retention4j.testkit.Tolerance.block(DataType.FLOAT));
    }
  }

  @Test
  void refusesStacksThatDoNotFitTogether() {
    LayerConfig wide = Stacks.diarisation(48, 3, 1).layers().get(0);
    LayerConfig narrow = Stacks.hybrid().layers().get(0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StackConfig.of(List.of(narrow, wide)))
        .withMessageContaining("layer 1 of width 24")
        .withMessageContaining("48");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StackConfig.of(List.of()))
        .withMessageContaining("at least 1 layer");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StackConfig(List.of(narrow), Double.NaN, Optional.empty()))
        .withMessageContaining("normEps");
    RetentionConfig twoStreams = RetentionConfig.builder(D, 2).keyValueInput(8).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new RetentionMixerConfig(twoStreams))
        .withMessageContaining("one stream")
        .withMessageContaining("width 8");
  }

  /** What is missing or misshapen is named as it was asked for, and what was taken is freed. */
  @Test
  void namesAWeightThatIsMissing() {
    long before = org.retention4j.engine.HeldMemory.liveBytes();
    for (String name : List.of("layers.1.feed-forward down", "norm", "layers.0.key")) {
      WeightSource source =
          WeightSource.of(
              Engines.plain(),
              WeightType.FLOAT32,
              w -> w.name().equals(name) ? null : new double[(int) w.elements()]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> DecoderStack.of(Stacks.hybrid(), source))
          .withMessageContaining(name)
          .withMessageContaining("none");
      assertThat(org.retention4j.engine.HeldMemory.liveBytes()).isEqualTo(before);
    }
  }
}
