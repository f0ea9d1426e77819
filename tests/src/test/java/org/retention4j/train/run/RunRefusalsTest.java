package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.optimizer.OptimizerOptions;

/** What is not a run's is refused and stays as it is. */
class RunRefusalsTest extends RunCase {
  @Test
  void whatIsNotTheRunsIsRefused() throws IOException {
    Path out = folder.resolve("run");
    run(options(out, 3));
    refused(options(out, 4), START, "steps of 3, got 4");
    RunOptions o = options(out, 3);
    refused(with(o, t -> t.withRate(0.5, t.schedule())), START, "rate of 0.1, got 0.5");
    OptimizerOptions adam = o.trainer().optimizer();
    double halved = OptimizerOptions.beta2Of(1e5, o.tokensPerStep());
    refused(
        with(o, t -> t.withOptimizer(adam.withAdam(0.9, halved, 1e-8))),
        START,
        "beta2 of 0.95, got " + halved);
    double decay = OptimizerOptions.weightDecayOf(1e6, o.tokensPerStep(), 0.1);
    refused(
        with(o, t -> t.withOptimizer(adam.withWeightDecay(decay, false))),
        START,
        "weight_decay of 0.1, got " + decay);
    refused(
        with(o, t -> t.withOptimizer(adam.withKind(OptimizerOptions.Kind.MUON))),
        START,
        "optimizer of adamw, got muon");
    refused(
        new RunOptions(
            o.files(),
            o.batch().withFreshShare(0),
            o.trainer(),
            o.curve(),
            o.limit(),
            o.rhythm(),
            o.seed()),
        START,
        "fresh_share of 0.0625, got 0.0");
    refused(
        new RunOptions(
            o.files(), o.batch(), o.trainer(), o.curve(), o.limit(), o.rhythm(), o.seed() + 1),
        START,
        "seed of 7, got 8");
    refused(o, RunStart.shape(shape(16)), "expected the shape of the run in");
    // What does not change the weights may change.
    RunOptions other =
        new RunOptions(
            o.files(),
            o.batch(),
            o.trainer().withCheckpointing(true),
            o.curve(),
            o.limit(),
            o.rhythm().withKeep(7),
            o.seed());
    open(other, RunListener.SILENT, QUIET).close();
    TrainingRun.open(ENGINE, o, RunStart.none(), RunListener.SILENT, FakeLearner::new, QUIET)
        .close();
    Files.writeString(text, "another text\n".repeat(50));
    refused(o, START, "expected the text of the run in");
  }

  @Test
  void foreignFoldersStayAsTheyAre() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("config.json"), "{}");
    refused(options(other, 3), START, "expected a new or empty folder, or one of a run");
    assertThat(names(other)).containsExactly("config.json");
    refused(options(text, 3), START, "expected a folder for a run, got the file");
    Path none = folder.resolve("none");
    TrainerOptions trainer = TrainerOptions.DEFAULT;
    refused(
        new RunOptions(
            RunFiles.of(folder.resolve("missing"), none),
            BatchShape.streams(2, 16),
            trainer,
            RateCurve.DEFAULT,
            RunLimit.steps(3),
            RunRhythm.DEFAULT,
            1),
        START,
        "expected a file or a folder of text at");
    assertThat(none).doesNotExist();
    refused(options(none, 3), RunStart.none(), "expected a shape or a model to begin with");
    assertThat(none).doesNotExist();
  }

  @Test
  void oneProcessTrainsInAFolder() {
    Path out = folder.resolve("run");
    try (TrainingRun run = open(options(out, 3), RunListener.SILENT, QUIET)) {
      assertThat(run.steps()).isZero();
      refused(options(out, 3), START, "expected a folder in which nobody trains");
    }
  }
}
