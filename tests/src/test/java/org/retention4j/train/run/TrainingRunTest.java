package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.train.StepResult;
import org.retention4j.train.data.Documents;

/** Runs of a learner that only keeps count: what is written and told. */
class TrainingRunTest extends RunCase {
  @Test
  void theFolderIsAModelFolderAndSaysWhatHappened() throws IOException {
    Path out = folder.resolve("new/run");
    List<String> heard = new ArrayList<>();
    RunListener listener =
        new RunListener() {
          @Override
          public void began(RunPlan plan, long step) {
            heard.add("began " + step);
          }

          @Override
          public void stepped(StepResult result, double bits, double seconds, double done) {
            heard.add("step " + result.step() + " " + done);
          }

          @Override
          public void evaluated(long step, double loss, double bits) {
            assertThat(bits).isEqualTo(loss / Math.log(2));
            heard.add("evaluated " + step);
          }

          @Override
          public void sampled(long step, String prompt, String written) {
            heard.add("sampled " + step);
          }

          @Override
          public void saved(long step, Path checkpoint) {
            heard.add("saved " + checkpoint.getFileName());
          }
        };
    try (TrainingRun run = open(options(out, 4), listener, QUIET)) {
      assertThat(run.run()).isEqualTo(RunEnd.DONE);
      assertThat(run.steps()).isEqualTo(4);
      run.export(out.resolve("bf16"), DType.BF16);
    }
    assertThat(heard)
        .containsExactly(
            "began 0",
            "saved checkpoint-000000",
            "step 1 0.25",
            "step 2 0.5",
            "evaluated 2",
            "sampled 2",
            "saved checkpoint-000002",
            "step 3 0.75",
            "step 4 1.0",
            "evaluated 4",
            "sampled 4",
            "saved checkpoint-000004");
    assertThat(names(out))
        .containsExactly(
            "best",
            "bf16",
            "checkpoint-000002",
            "checkpoint-000004",
            "config.json",
            "latest",
            "model.safetensors",
            "report.html",
            "train.jsonl",
            "trainer.json");
    assertThat(names(out.resolve("checkpoint-000004")))
        .containsExactly(
            "config.json", "model.safetensors", "optimizer.safetensors", "trainer.json");
    assertThat(Files.readString(out.resolve("latest"))).isEqualTo("checkpoint-000004\n");
    assertThat(Checkpoint.open(out).config()).isEqualTo(SHAPE);
    assertThat(Checkpoint.open(out.resolve("bf16")).config()).isEqualTo(SHAPE);
    assertThat(Files.readAllBytes(out.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(out.resolve("checkpoint-000004/model.safetensors")));
    assertThat(log(out).stream().map(line -> line.get("type").asText()))
        .containsExactly(
            "run",
            "ladder",
            "checkpoint",
            "step",
            "step",
            "tensors",
            "evaluation",
            "sample",
            "checkpoint",
            "step",
            "step",
            "tensors",
            "evaluation",
            "sample",
            "checkpoint");
    JsonNode step = log(out).get(3);
    assertThat(step.fieldNames())
        .toIterable()
        .containsExactly(
            "type",
            "step",
            "tokens",
            "loss",
            "bpb",
            "lr",
            "norm",
            "clipped",
            "tokensPerSecond",
            "ms",
            "bytes");
    assertThat(step.get("tokens").asLong()).isEqualTo(2 * 3 * 16);
    assertThat(step.get("bpb").asDouble()).isEqualTo(4.99 / Math.log(2));
  }

  @Test
  void theLastAndTheBestStay() throws IOException {
    Path out = folder.resolve("run");
    RunOptions usual = options(out, 10);
    try (TrainingRun run = open(usual, RunListener.SILENT, QUIET)) {
      run.run();
    }
    assertThat(names(out)).contains("checkpoint-000010", "checkpoint-000008");
    String best = Files.readString(out.resolve("best")).strip();
    assertThat(names(out)).contains(best);
    List<String> checkpoints =
        names(out).stream().filter(name -> name.startsWith("checkpoint")).toList();
    assertThat(checkpoints).hasSizeBetween(2, 3);
  }

  @Test
  void aModelIsTrainedFurther() throws IOException {
    Path out = folder.resolve("run");
    run(options(out, 3));
    Path fine = folder.resolve("fine");
    RunStart start = RunStart.from(out);
    try (TrainingRun run =
        TrainingRun.open(
            ENGINE, options(fine, 3), start, RunListener.SILENT, FakeLearner::new, QUIET)) {
      assertThat(run.run()).isEqualTo(RunEnd.DONE);
    }
    assertThat(Checkpoint.open(fine).config()).isEqualTo(SHAPE);
  }

  @Test
  void documentsArePackedWhereThatIsAsked() throws IOException {
    RunOptions o = options(folder.resolve("run"), 3);
    RunOptions packed =
        new RunOptions(
            o.files(),
            BatchShape.packed(2, 16, Documents.LINES),
            o.trainer(),
            o.curve(),
            o.limit(),
            o.rhythm(),
            o.seed());
    run(packed);
    assertThat(Files.readString(o.files().out().resolve("checkpoint-000003/trainer.json")))
        .contains("\"documents\" : \"LINES\"");
  }

  @Test
  void timeEndsARun() throws IOException {
    for (RateCurve curve :
        List.of(RateCurve.DEFAULT, RateCurve.DEFAULT.withKind(RateCurve.Kind.CONSTANT))) {
      Path out = folder.resolve("time" + curve.kind());
      RunOptions o = options(out, 3);
      RunOptions timed =
          new RunOptions(
              o.files(),
              o.batch(),
              o.trainer(),
              curve,
              RunLimit.minutes(0.005),
              o.rhythm().withEvery(1_000_000, 1_000_000),
              o.seed());
      try (TrainingRun run = open(timed, RunListener.SILENT, QUIET)) {
        boolean stable = curve.kind() == RateCurve.Kind.STABLE;
        assertThat(run.run()).isEqualTo(stable ? RunEnd.DONE : RunEnd.TIME);
        assertThat(run.steps()).isPositive();
        if (stable) {
          List<JsonNode> lines = log(out);
          double lastRate =
              lines.stream()
                  .filter(line -> line.get("type").asText().equals("step"))
                  .reduce((a, b) -> b)
                  .orElseThrow()
                  .get("lr")
                  .asDouble();
          assertThat(lastRate).isLessThan(0.1 * 0.6);
        }
      }
    }
  }

  @Test
  void aRunThatDivergesIsStopped() throws IOException {
    Path out = folder.resolve("run");
    Learner.Maker broken =
        (engine, model, rows, length, options) ->
            new Broken(new FakeLearner(engine, model, rows, length, options));
    assertThatExceptionOfType(DivergedException.class)
        .isThrownBy(
            () -> {
              try (TrainingRun run =
                  TrainingRun.open(
                      ENGINE, options(out, 9), START, RunListener.SILENT, broken, QUIET)) {
                run.run();
              }
            })
        .withMessageStartingWith("stopped at step 5, for the loss is NaN, at a rate of 0.1");
    assertThat(names(out)).contains("checkpoint-000004");
    List<JsonNode> lines = log(out);
    assertThat(lines.get(lines.size() - 1).get("type").asText()).isEqualTo("stopped");
    assertThat(Checkpoint.open(out).config()).isEqualTo(SHAPE);
  }
}
