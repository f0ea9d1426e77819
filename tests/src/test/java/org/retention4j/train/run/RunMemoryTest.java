package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.engine.HeldMemory;
import org.retention4j.model.DecoderConfig;
import org.retention4j.train.TrainerOptions;

/** Memory that will not suffice. */
class RunMemoryTest {
  private static final DecoderConfig CONFIG = ModelShapes.trained("s");
  private static final int LANES = 2;

  @Test
  void whatFitsIsNotRefused() {
    RunOptions options = options(8, false);
    long needed = (long) Math.ceil(RunPlan.of(CONFIG, options, LANES).peakBytes());
    assertThatCode(() -> RunMemory.require(CONFIG, options, LANES, needed))
        .doesNotThrowAnyException();
    refused(options, needed - 1, "--batch 7, or --batch 8 with --checkpointing");
  }

  @Test
  void whatWouldFitIsSaid() {
    long four = (long) Math.ceil(RunPlan.of(CONFIG, options(4, true), LANES).peakBytes());
    refused(options(8, true), four, "with checkpointing, got", "what would fit: --batch 4");
    refused(options(8, false), four, "--batch 4 with --checkpointing");
    refused(options(8, false), 1000, "of 8 rows of 512 tokens", "not even one row would fit");
  }

  /** Refused with what this machine has, before a tile is made. */
  @Test
  void aRunThatNoMachineHasRoomForIsRefused() {
    RunOptions options = options(1 << 28, false);
    assertThat(HeldMemory.freeBytes()).isPositive();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RunMemory.require(CONFIG, options, LANES))
        .withMessageContaining("MB of memory");
  }

  private static void refused(RunOptions options, long free, String... why) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RunMemory.require(CONFIG, options, LANES, free))
        .withMessageContainingAll(why);
  }

  private static RunOptions options(int rows, boolean checkpointing) {
    Path nowhere = Path.of("nowhere");
    return new RunOptions(
        RunFiles.of(nowhere, nowhere),
        BatchShape.streams(rows, 512),
        TrainerOptions.DEFAULT.withCheckpointing(checkpointing),
        RateCurve.DEFAULT,
        RunLimit.steps(1),
        RunRhythm.DEFAULT,
        1);
  }
}
