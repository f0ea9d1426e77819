package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.train.StepResult;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.tensor.TensorReport;

/** The parts of a run: its record, its guard, its curve, its plan. */
class RunRecordTest {
  @TempDir private Path folder;

  @Test
  void recordsComeBackAsTheyWere() throws IOException {
    for (OptionalLong from : new OptionalLong[] {OptionalLong.empty(), OptionalLong.of(80)}) {
      for (double best : new double[] {2.25, Double.POSITIVE_INFINITY}) {
        RunRecord record = record(from, best);
        assertThat(RunRecord.read(write(record.toJson()))).isEqualTo(record);
      }
    }
  }

  @Test
  void recordsThatWereChangedAreRefused() throws IOException {
    ObjectNode json = record(OptionalLong.empty(), 2).toJson();
    ((ObjectNode) json.get("options")).put("rate", 0.2);
    Path changed = write(json);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> RunRecord.read(changed))
        .withMessageStartingWith("expected options that give their sha256");
    Path missing = write(record(OptionalLong.empty(), 2).toJson().without("position"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> RunRecord.read(missing))
        .withMessageStartingWith("expected position in");
    Path newer = write(record(OptionalLong.empty(), 2).toJson().put("version", 2));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> RunRecord.read(newer))
        .withMessageStartingWith("expected version 1 of a run's record");
  }

  private static RunRecord record(OptionalLong from, double best) {
    ObjectNode options = new ObjectMapper().createObjectNode().put("rate", 0.1).put("form", "x");
    DivergenceGuard.Memory guard = new DivergenceGuard.Memory(3, 1.5, 0.1 + 0.2, best);
    return new RunRecord(100, 1L << 40, 300, 12.5, from, guard, 50, best, options, "abc");
  }

  private Path write(Object json) throws IOException {
    return Files.writeString(folder.resolve("trainer.json"), Json.text((ObjectNode) json));
  }

  @Test
  void lossesThatRiseByANatStopARun() {
    DivergenceGuard guard = new DivergenceGuard();
    long step = 0;
    for (int i = 0; i < 60; i++) {
      guard.accept(step(++step, i < 5 ? 6 : 2), List::of);
    }
    DivergenceGuard later = new DivergenceGuard();
    later.restore(guard.memory());
    for (DivergenceGuard one : new DivergenceGuard[] {guard, later}) {
      long[] at = {step};
      assertThatExceptionOfType(DivergedException.class)
          .isThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  one.accept(step(++at[0], 4), List::of);
                }
              })
          .withMessageMatching(
              "stopped at step 7\\d, for the smoothed loss is 3\\.\\d+ nats, 1\\.\\d+ above its"
                  + " lowest, 2\\.\\d+, at a rate of 0\\.00300; .*");
    }
  }

  @Test
  void oneSpikeDoesNot() {
    DivergenceGuard guard = new DivergenceGuard();
    for (int i = 1; i < 200; i++) {
      guard.accept(step(i, i == 100 ? 20 : 2), List::of);
    }
    assertThatExceptionOfType(DivergedException.class)
        .isThrownBy(
            () ->
                guard.accept(
                    new StepResult(1, 1, 2, Double.POSITIVE_INFINITY, true, 0.003),
                    () ->
                        List.of(
                            new TensorReport("embedding", 1, 1),
                            new TensorReport("output", Double.NaN, 1))))
        .withMessageStartingWith(
            "stopped at step 1, for the norm of the gradient is Infinity, first of output, at");
  }

  private static StepResult step(long step, double loss) {
    return new StepResult(step, step, loss, 1, false, 0.003);
  }

  @Test
  void curvesFollowTheLengthOfARun() {
    assertThat(RateCurve.DEFAULT.over(1000).factor(10)).isEqualTo(0.5);
    assertThat(RateCurve.DEFAULT.over(1000).factor(20)).isEqualTo(1);
    assertThat(RateCurve.DEFAULT.over(1000).factor(800)).isEqualTo(1);
    assertThat(RateCurve.DEFAULT.over(1000).factor(1000)).isCloseTo(1 / 201.0, within(1e-12));
    for (RateCurve.Kind kind : RateCurve.Kind.values()) {
      for (long steps = 1; steps < 130; steps++) {
        for (long warmUp : new long[] {0, 1, 50, 200}) {
          RateCurve curve = RateCurve.DEFAULT.withKind(kind).withWarmUp(warmUp);
          for (long step = 1; step <= steps; step++) {
            assertThat(curve.over(steps).factor(step)).isBetween(0.0, 1.0);
          }
        }
      }
    }
  }

  /** A run of a time that is shorter than its warm-up: the rate falls from where it is. */
  @Test
  void ratesThatFallOnTheWayNeverJump() {
    for (long step : new long[] {1, 10, 49, 50, 80}) {
      RunSchedule schedule = new RunSchedule(RateCurve.DEFAULT, OptionalLong.empty());
      double reached = schedule.factor(step);
      assertThat(reached).isEqualTo(Math.min(1, step / 50.0));
      assertThat(schedule.done(step, 0.8)).isEqualTo(0.8);
      schedule.fallFrom(step);
      assertThat(schedule.factor(step)).isEqualTo(reached);
      long end = schedule.end().orElseThrow();
      assertThat(schedule.done(end, 0.9)).isEqualTo(1);
      assertThat(schedule.done(step, 2)).isEqualTo((double) step / end);
      assertThat(end).isEqualTo(step + Math.max(1, Math.round(step / 4.0)));
      for (long at = step + 1; at <= end; at++) {
        assertThat(schedule.factor(at)).isLessThan(schedule.factor(at - 1)).isPositive();
      }
    }
  }

  @Test
  void limitsEndAtWhatComesFirst() {
    assertThat(RunLimit.tokens(1001).mostSteps(100)).hasValue(11);
    assertThat(RunLimit.steps(5).mostSteps(100)).hasValue(5);
    assertThat(RunLimit.minutes(5).mostSteps(100)).isEmpty();
    RunLimit both = new RunLimit(OptionalLong.of(20), OptionalLong.of(1000), OptionalDouble.of(1));
    assertThat(both.mostSteps(100)).hasValue(10);
    assertThatIllegalArgumentException().isThrownBy(() -> RunLimit.steps(0));
    assertThatIllegalArgumentException().isThrownBy(() -> RunLimit.minutes(Double.NaN));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new RunLimit(OptionalLong.empty(), OptionalLong.empty(), OptionalDouble.empty()))
        .withMessage("expected a limit of steps, tokens or minutes, got none");
  }

  /** Numbers that were counted by hand elsewhere. */
  @Test
  void plansCountWhatARunCosts() {
    RunOptions options =
        new RunOptions(
            RunFiles.of(folder, folder),
            BatchShape.streams(8, 256),
            TrainerOptions.DEFAULT.withMicroBatches(2),
            RateCurve.DEFAULT,
            RunLimit.tokens(60_000_000),
            RunRhythm.DEFAULT,
            1);
    RunPlan plan = RunPlan.of(ModelShapes.trained("s"), options, 2);
    assertThat(plan.parameters() / 1e6).isCloseTo(3.74, within(0.01));
    assertThat(plan.flopsPerToken() / 1e6).isCloseTo(24.66, within(0.01));
    assertThat(plan.tokensPerStep()).isEqualTo(4096);
    assertThat(plan.steps()).hasValue(14_649);
    assertThat(plan.optimizerFlops()).isZero();
    assertThat(plan.flops()).isEqualTo(14_649 * 4096.0 * plan.flopsPerToken());
    RunOptions muon =
        RunCase.with(
            options, t -> t.withOptimizer(t.optimizer().withKind(OptimizerOptions.Kind.MUON)));
    RunPlan dearer = RunPlan.of(ModelShapes.trained("s"), muon, 2);
    // Two of 256 x 256 and six of 256 x 512 in each of four layers: 5 * (4 m^2 n + 2 m^3).
    assertThat(dearer.optimizerFlops()).isEqualTo(24_159_191_040.0);
    assertThat(dearer.flops() - plan.flops())
        .isCloseTo(14_649 * dearer.optimizerFlops(), within(1e-6 * plan.flops()));
    assertThat(RunPlan.of(ModelShapes.trained("xs"), options, 2).flopsPerToken() / 1e6)
        .isCloseTo(6.6, within(0.05));
    assertThat(RunPlan.of(ModelShapes.trained("m"), options, 2).parameters() / 1e6)
        .isCloseTo(7.41, within(0.01));
    assertThat(ModelShapes.trainedNames()).containsExactly("ci", "xs", "s", "m");
  }
}
