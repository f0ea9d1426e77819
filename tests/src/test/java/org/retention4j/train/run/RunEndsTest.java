package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.train.StepResult;

/** What is left by an end of any kind, and that a run goes on as if there had been none. */
class RunEndsTest extends RunCase {
  /** What a process that is killed would not live to see. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void aRunThatGoesOnComesOutTheSame() throws IOException {
    Path whole = folder.resolve("whole");
    run(options(whole, 9));
    for (int first = 1; first < 9; first += 2) {
      Path parts = folder.resolve("parts" + first);
      int at = first;
      RunListener interrupting =
          new RunListener() {
            @Override
            public void stepped(StepResult result, double bits, double seconds, double done) {
              if (result.step() == at) {
                Thread.currentThread().interrupt();
              }
            }
          };
      try (TrainingRun run = open(options(parts, 9), interrupting, QUIET)) {
        assertThat(run.run()).isEqualTo(RunEnd.CANCELLED);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(run.steps()).isEqualTo(first);
      }
      run(options(parts, 9));
      assertSame(parts, whole);
      assertThat(steps(parts)).isEqualTo(steps(whole));
    }
  }

  @Test
  void aRunThatIsDoneStaysSo() throws IOException {
    Path out = folder.resolve("run");
    run(options(out, 3));
    byte[] before = Files.readAllBytes(out.resolve("checkpoint-000003/trainer.json"));
    try (TrainingRun run = open(options(out, 3), RunListener.SILENT, QUIET)) {
      assertThat(run.steps()).isEqualTo(3);
      assertThat(run.run()).isEqualTo(RunEnd.DONE);
    }
    assertThat(Files.readAllBytes(out.resolve("checkpoint-000003/trainer.json"))).isEqualTo(before);
  }

  /** Killed before each change of the disk, and again while it goes on. */
  @Test
  void aKillAtAnyMomentLosesNothing() throws IOException {
    Path whole = folder.resolve("whole");
    int[] count = {0};
    try (TrainingRun run = open(options(whole, 3), RunListener.SILENT, what -> count[0]++)) {
      run.run();
    }
    assertThat(count[0]).isGreaterThan(25);
    for (int kill = 0; kill < count[0]; kill++) {
      Path out = folder.resolve("killed" + kill);
      kill(options(out, 3), kill);
      kill(options(out, 3), kill / 2);
      run(options(out, 3));
      assertSame(out, whole);
      assertThat(names(out)).as("killed at %d", kill).isEqualTo(names(whole));
      assertThat(steps(out)).isEqualTo(steps(whole));
      assertThat(Checkpoint.open(out).config()).isEqualTo(SHAPE);
    }
  }

  private void kill(RunOptions options, int at) {
    int[] left = {at};
    RunFolder.Watch watch =
        what -> {
          if (left[0]-- == 0) {
            throw new Killed();
          }
        };
    try (TrainingRun run = open(options, RunListener.SILENT, watch)) {
      run.run();
    } catch (Killed e) {
      // So it goes.
    }
  }

  @Test
  void aFullDiskLeavesTheCheckpointBefore() throws IOException {
    Path whole = folder.resolve("whole");
    run(options(whole, 5));
    Path out = folder.resolve("full");
    int[] records = {0};
    RunFolder.Watch full =
        what -> {
          if (what.equals("write trainer.json") && ++records[0] == 3) {
            throw new CheckpointException("cannot write trainer.json: No space left on device");
          }
        };
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> {
              try (TrainingRun run = open(options(out, 5), RunListener.SILENT, full)) {
                run.run();
              }
            })
        .withMessageContaining("No space left");
    assertThat(names(out))
        .contains("checkpoint-000002")
        .noneMatch(name -> name.startsWith("."))
        .doesNotContain("checkpoint-000004");
    run(options(out, 5));
    assertSame(out, whole);
  }
}
