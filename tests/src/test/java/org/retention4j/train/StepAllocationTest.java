package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.retention4j.core.Resets;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.optimizer.OptimizerOptions;

/**
 * A step of training allocates next to nothing: heap bytes over all threads, and no native memory.
 * What it does allocate does not grow with the tokens: vectors of weights, which are new ones after
 * each step. Has a JVM of its own, as all that count what the whole JVM allocates.
 */
@Tag("alone")
class StepAllocationTest {
  /** What a step may allocate. */
  private static final long MOST_BYTES = 64 * 1024;

  private static final int WIDTH = 256;
  private static final int LAYERS = 6;
  private static final int ROWS = 2;
  private static final int LENGTH = 40;
  private static final int STEPS = 10;

  /** Until the JIT compiler is done, the Vector API boxes its vectors. */
  private static final int MOST_ROUNDS = 60;

  private static final String TEST_RUNNER = "surefire-forkedjvm-";

  @Test
  void stepsAllocateNextToNothing() {
    LayerConfig retention =
        new LayerConfig(RetentionMixerConfig.fla(WIDTH, 4), 2 * WIDTH, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(AttentionConfig.multiHead(WIDTH, 4), 2 * WIDTH, Activation.SILU);
    TrainerOptions options = TrainerOptions.DEFAULT;
    for (boolean checkpointing : new boolean[] {false, true}) {
      assertAllocatesLittle(
          DecoderConfig.uniform(LAYERS, retention), options.withCheckpointing(checkpointing));
    }
    assertAllocatesLittle(DecoderConfig.everyKth(LAYERS, retention, 2, attention), options);
    OptimizerOptions muon = OptimizerOptions.DEFAULT.withKind(OptimizerOptions.Kind.MUON);
    assertAllocatesLittle(DecoderConfig.uniform(2, retention), options.withOptimizer(muon));
    assertAllocatesLittle(DecoderConfig.uniform(2, retention), options.withBf16Products(true));
    LayerConfig smallHeads =
        new LayerConfig(RetentionMixerConfig.fla(WIDTH, 16), 2 * WIDTH, Activation.SILU);
    assertAllocatesLittle(DecoderConfig.uniform(2, smallHeads), options);
  }

  private static void assertAllocatesLittle(List<LayerConfig> layers, TrainerOptions one) {
    DecoderConfig config = new DecoderConfig(256, WIDTH, layers, 1e-6, 1, false, true);
    TrainerOptions options = one.withMicroBatches(2);
    List<Batch> batches = List.of(batch(false), batch(true));
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.best());
        LanguageModel model = LanguageModel.random(engine, config, WeightType.FLOAT32, 1);
        Trainer trainer = Trainer.of(engine, model, ROWS, LENGTH, options)) {
      List<Long> rounds = new ArrayList<>();
      long held;
      do {
        // A lane takes room for a kind of product when it first has one: on a busy machine, late.
        held = HeldMemory.liveBytes();
        rounds.add(allocatedByStep(trainer, batches));
      } while ((Collections.min(rounds) > MOST_BYTES || HeldMemory.liveBytes() != held)
          && rounds.size() < MOST_ROUNDS);
      assertThat(Collections.min(rounds))
          .as("heap bytes of a step over all threads, round by round: %s", rounds)
          .isLessThanOrEqualTo(MOST_BYTES);
      assertThat(HeldMemory.liveBytes()).as("counted bytes").isEqualTo(held);
    }
  }

  /** Rows of which some go on and some do not, with or without sequences that begin inside. */
  private static Batch batch(boolean packed) {
    int[][] tokens = new int[ROWS][LENGTH];
    boolean[][] mask = new boolean[ROWS][LENGTH];
    for (int b = 0; b < ROWS; b++) {
      for (int t = 0; t < LENGTH; t++) {
        tokens[b][t] = (7 * t + 31 * b) % 256;
        mask[b][t] = packed && t % 13 == 5;
      }
    }
    boolean[] fresh = {true, false};
    return new Batch(tokens, tokens, packed ? Resets.mask(mask) : Resets.none(), fresh);
  }

  private static long allocatedByStep(Trainer trainer, List<Batch> batches) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long[] ids =
        Arrays.stream(threads.getThreadInfo(threads.getAllThreadIds()))
            .filter(thread -> thread != null && !thread.getThreadName().startsWith(TEST_RUNNER))
            .mapToLong(ThreadInfo::getThreadId)
            .toArray();
    long before = allocated(threads, ids);
    for (int i = 0; i < STEPS; i++) {
      trainer.step(batches);
    }
    return (allocated(threads, ids) - before) / STEPS;
  }

  private static long allocated(ThreadMXBean threads, long[] ids) {
    return Arrays.stream(threads.getThreadAllocatedBytes(ids)).map(b -> Math.max(0, b)).sum();
  }
}
