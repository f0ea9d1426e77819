package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.DecoderStack;
import org.retention4j.model.FrameSession;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.StackConfig;
import org.retention4j.model.Stacks;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;

/**
 * A bound step allocates nothing: heap bytes over all threads and native bytes, 1000 steps. It has
 * a JVM of its own: where other suites ran before, what they taught the compiler makes it box
 * vectors.
 */
@Tag("alone")
class AllocationTest {
  private static final int STEPS = 1000;
  private static final int BEYOND_A_FOLD = 20;
  private static final int MOST_ROUNDS = 400;

  /** Surefire's threads talk to Maven on a timer. */
  private static final String TEST_RUNNER = "surefire-forkedjvm-";

  static List<Variant> variants() {
    return List.of(
        new Variant(Engines.plain(), new RecurrentForm()),
        new Variant(Engines.vector(), new RecurrentForm()),
        new Variant(Engines.vector(), new ParallelForm(4)),
        new Variant(Engines.vector(), new ChunkwiseForm(4)),
        new Variant(Engines.float64(), new ChunkwiseForm(4)));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void coreStepsAllocateNothing(Variant variant) {
    DataType type = variant.dataType();
    for (int tokens : new int[] {1, 6}) {
      INDArray q = Tensors.gaussian(1, type, 2, tokens, 2, 32);
      INDArray k = Tensors.gaussian(2, type, 2, tokens, 2, 32);
      INDArray v = Tensors.gaussian(3, type, 2, tokens, 2, 64);
      INDArray g = Nd4j.valueArrayOf(new long[] {2, tokens, 2}, -0.1, DataType.DOUBLE);
      INDArray out = Nd4j.zeros(type, 2, tokens, 2, 64);
      for (LogDecay decay : List.of(LogDecay.perHead(-0.1, -0.01), LogDecay.perToken(g))) {
        RetentionState state = RetentionState.zeros(variant.engine(), 2, 2, 32, 64);
        BoundSequence bound =
            new RetentionCore(variant.engine(), variant.form())
                .bind(RetentionCall.of(q, k, v, decay).withScale(1), state, out);
        assertAllocatesNothing(bound::step);
        assertThat(state.position(0)).isGreaterThanOrEqualTo((long) STEPS * tokens);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void blockStepsAllocateNothing(Variant variant) {
    RetentionConfig config = RetentionConfig.torchscale(32, 2);
    try (RetentionWeights weights =
        RetentionWeights.pack(
            variant.engine(), config, RetentionParameters.random(config, 1), WeightType.BFLOAT16)) {
      MultiScaleRetention block = new MultiScaleRetention(variant.engine(), weights);
      INDArray x = Tensors.gaussian(1, variant.dataType(), 2, 1, 32);
      INDArray y = Nd4j.zeros(variant.dataType(), 2, 1, 32);
      RetentionState state = RetentionState.zeros(variant.engine(), config, 2);
      try (BoundSequence bound = block.bind(variant.form(), BlockInput.of(x), state, y)) {
        assertAllocatesNothing(bound::step);
      }
    }
  }

  /** Several sequences in a row, of the core and of a block that rotates by their positions. */
  @ParameterizedTest
  @MethodSource("variants")
  void stepsWithResetsAllocateNothing(Variant variant) {
    DataType type = variant.dataType();
    Resets resets = Resets.cumulative(new int[] {0, 2, 6}, new int[] {0, 5, 6});
    RetentionCall call =
        RetentionCall.of(
                Tensors.gaussian(1, type, 2, 6, 2, 32),
                Tensors.gaussian(2, type, 2, 6, 2, 32),
                Tensors.gaussian(3, type, 2, 6, 2, 64),
                LogDecay.perHead(-0.1, 0))
            .withResets(resets);
    RetentionState bare = RetentionState.zeros(variant.engine(), 2, 2, 32, 64);
    INDArray out = Nd4j.zeros(type, 2, 6, 2, 64);
    assertAllocatesNothing(
        new RetentionCore(variant.engine(), variant.form()).bind(call, bare, out)::step);
    assertThat(bare.position(0)).isEqualTo(4);

    RetentionConfig config = RetentionConfig.torchscale(32, 2);
    try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), config, 1);
        RetentionState state = block.newState(2)) {
      INDArray x = Tensors.gaussian(1, type, 2, 6, 32);
      BlockInput input = BlockInput.of(x).withResets(resets);
      try (BoundSequence bound =
          block.bind(variant.form(), input, state, Nd4j.zeros(type, 2, 6, 32))) {
        assertAllocatesNothing(bound::step);
      }
      assertThat(state.position(1)).isEqualTo(1);
    }
  }

  /** A whole model's step, with retention and with attention over a cache that has room. */
  @Test
  void sessionStepsAllocateNothing() {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention = new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU);
    DecoderConfig config =
        DecoderConfig.of(61, 32, DecoderConfig.everyKth(2, retention, 2, attention));
    for (Engine engine : List.of(Engines.plain(), Engines.vector())) {
      for (WeightType type : List.of(WeightType.BFLOAT16, WeightType.INT8)) {
        SessionOptions options =
            SessionOptions.DEFAULT.withCache(KvCacheOptions.preallocated(100 * STEPS));
        try (LanguageModel model = LanguageModel.random(engine, config, type, 1);
            Session session = model.newSession(2, options)) {
          int[] tokens = {5, 7};
          // The first step puts the states into the layout of this provider, and the lanes keep
          // room
          // for the scores of the longest context.
          session.step(tokens);
          Session.Mark start = session.mark();
          for (int i = 0; i < 4 * STEPS; i++) {
            session.step(tokens);
          }
          session.rollback(start);
          int[] steps = {0};
          Runnable step =
              () -> {
                session.step(tokens);
                steps[0]++;
              };
          assertAllocatesNothing(
              step,
              () -> {
                session.rollback(start);
                for (int i = 0; i < BEYOND_A_FOLD; i++) {
                  step.run(); // the states leave those of the mark at their next fold
                }
              });
          assertThat(steps[0]).isGreaterThanOrEqualTo(STEPS);
        }
      }
    }
  }

  /** Blocks with all that most have not, in one stream and in two. */
  @ParameterizedTest
  @MethodSource("variants")
  void stepsOfGeneralBlocksAllocateNothing(Variant variant) {
    for (RetentionConfig config :
        List.of(
            RetentionConfig.diarisation(32, 2),
            RetentionConfig.lightning(32, 4, 0, 2),
            RetentionConfig.builder(32, 2).keyValueInput(20).build())) {
      try (MultiScaleRetention block = MultiScaleRetention.random(variant.engine(), config, 1);
          RetentionState state = block.newState(2);
          TokenDecoder decoder = block.decoder(variant.form(), state)) {
        assertAllocatesNothing(decoder::step);
      }
    }
  }

  /** A frame in, a frame out, through a stack of layers. */
  @Test
  void framesAllocateNothing() {
    for (Engine engine : List.of(Engines.plain(), Engines.vector(), Engines.float64())) {
      for (StackConfig config : Stacks.all()) {
        SessionOptions options =
            SessionOptions.DEFAULT.withCache(KvCacheOptions.preallocated(200 * STEPS));
        try (DecoderStack stack = DecoderStack.random(engine, config, WeightType.FLOAT32, 1);
            FrameSession session = stack.newSession(1, options)) {
          float[] in = new float[config.modelWidth()];
          float[] out = new float[config.modelWidth()];
          in[3] = 1;
          session.step(in, out);
          assertAllocatesNothing(() -> session.step(in, out));
        }
      }
    }
  }

  /**
   * Steps in rounds until one allocates nothing. Before the JIT compiler is done the Vector API
   * boxes its vectors, and other threads of the JVM allocate now and then; what a compiled step
   * allocates shows in every round.
   */
  private static void assertAllocatesNothing(Runnable step) {
    assertAllocatesNothing(step, () -> {});
  }

  private static void assertAllocatesNothing(Runnable step, Runnable beforeEachRound) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long[] ids =
        Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
            .filter(thread -> thread != null && !thread.getThreadName().startsWith(TEST_RUNNER))
            .mapToLong(ThreadInfo::getThreadId)
            .toArray();
    long counted = HeldMemory.liveBytes();
    long nativeBytes = Pointer.totalBytes();
    List<Long> rounds = new ArrayList<>();
    do {
      beforeEachRound.run();
      long start = allocated(threads, ids);
      // What reading the counters itself allocates on this thread.
      long reading = allocated(threads, ids) - start;
      long before = allocated(threads, ids);
      for (int i = 0; i < STEPS; i++) {
        step.run();
      }
      rounds.add(allocated(threads, ids) - before - reading);

    } while (rounds.get(rounds.size() - 1) != 0 && rounds.size() < MOST_ROUNDS);
    assertThat(rounds)
        .as("heap bytes of %s steps over all threads, round by round", STEPS)
        .endsWith(0L);
    assertThat(HeldMemory.liveBytes()).as("counted bytes").isEqualTo(counted);
    assertThat(Pointer.totalBytes()).as("native bytes").isLessThanOrEqualTo(nativeBytes);
  }

  private static long allocated(ThreadMXBean threads, long[] ids) {
    long[] bytes = threads.getThreadAllocatedBytes(ids);
    long sum = 0;
    for (int i = 0; i < ids.length; i++) {
      sum += Math.max(0, bytes[i]);
    }
    return sum;
  }
}
