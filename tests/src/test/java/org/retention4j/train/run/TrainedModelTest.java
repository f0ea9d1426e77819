package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.train.StepResult;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.data.Documents;
import org.retention4j.train.optimizer.OptimizerOptions;

/** A small model from text to text, by the trainer itself. */
class TrainedModelTest {
  private static final RunStart START = RunStart.shape(ModelShapes.trained("ci"));

  /** Weights, gradients and two moments in fp32. */
  private static final long LEAST_BYTES = 4L * Float.BYTES * ModelShapes.trained("ci").parameters();

  @TempDir private Path folder;

  /** Stopped in the middle, and on other lanes: the same bits. */
  @Test
  void aRunThatGoesOnComesOutTheSame() throws IOException {
    Path text = text();
    BatchShape streams = BatchShape.streams(2, 33).withFreshShare(0.2);
    BatchShape packed = BatchShape.packed(2, 33, Documents.LINES);
    assertGoesOn(text, "streams", streams, OptimizerOptions.Kind.ADAMW);
    assertGoesOn(text, "packed", packed, OptimizerOptions.Kind.ADAMW);
    assertGoesOn(text, "muon", streams, OptimizerOptions.Kind.MUON);
  }

  private void assertGoesOn(Path text, String name, BatchShape batch, OptimizerOptions.Kind kind)
      throws IOException {
    Path whole = folder.resolve("whole-" + name);
    Path parts = folder.resolve("parts-" + name);
    List<Double> losses = new ArrayList<>();
    try (Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN)) {
      assertThat(run(engine, options(text, whole, batch, kind), 0, losses)).isEqualTo(RunEnd.DONE);
    }
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.PLAIN)) {
      List<Double> other = new ArrayList<>();
      assertThat(run(engine, options(text, parts, batch, kind), 10, other))
          .isEqualTo(RunEnd.CANCELLED);
      assertThat(other).isEqualTo(losses.subList(0, 10));
      assertThat(run(engine, options(text, parts, batch, kind), 0, other)).isEqualTo(RunEnd.DONE);
      assertThat(other).isEqualTo(losses);
    }
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      assertThat(Files.readAllBytes(parts.resolve("checkpoint-000020").resolve(file)))
          .as(file)
          .isEqualTo(Files.readAllBytes(whole.resolve("checkpoint-000020").resolve(file)));
    }
  }

  /** What it writes is a model that everything else here reads. */
  @Test
  void aTrainedModelSpeaks() throws IOException {
    Path out = folder.resolve("run");
    RunOptions options =
        options(text(), out, BatchShape.streams(4, 64), OptimizerOptions.Kind.ADAMW);
    List<Double> losses = new ArrayList<>();
    try (Engine engine = Engine.float32()) {
      RunOptions longer =
          new RunOptions(
              options.files(),
              options.batch(),
              options.trainer(),
              options.curve(),
              RunLimit.steps(150),
              options.rhythm().withEvery(75, 75),
              options.seed());
      assertThat(run(engine, longer, 0, losses)).isEqualTo(RunEnd.DONE);
      assertThat(losses.get(0)).isBetween(5.3, 5.8); // ln 256 is 5.545
      assertThat(losses.get(149)).isLessThan(1.5);
      Checkpoint checkpoint = Checkpoint.open(out);
      StringBuilder said = new StringBuilder();
      try (var model = checkpoint.load(engine, LoadOptions.DEFAULT);
          var tokenizer = checkpoint.tokenizer();
          var session = model.newSession()) {
        new Generator(tokenizer)
            .generate(
                session, "the ", GenerationOptions.of(checkpoint).withMaxTokens(40), said::append);
      }
      assertThat(said.toString()).containsAnyOf("cat", "dog", "bird");
    }
    assertThat(Files.readString(out.resolve("report.html"))).contains("150 steps");
    assertLogTellsOfLayers(out);
  }

  /** At the steps of looks, and at no others. */
  private static void assertLogTellsOfLayers(Path out) throws IOException {
    List<Long> steps = new ArrayList<>();
    for (JsonNode line : RunCase.log(out)) {
      if (line.get("type").asText().equals("step")) {
        assertThat(line.get("bytes").asLong()).isGreaterThan(LEAST_BYTES);
      }
      if (line.get("type").asText().equals("tensors")) {
        steps.add(line.get("step").asLong());
        assertThat(line.get("largest_logit").asDouble()).isBetween(0.1, 100.0);
        assertThat(line.get("layers")).hasSize(2);
        for (JsonNode layer : line.get("layers")) {
          double mean = layer.get("mean").asDouble();
          assertThat(layer.get("smallest").asDouble()).isPositive().isLessThan(mean);
          assertThat(layer.get("largest").asDouble()).isGreaterThan(mean);
        }
      }
    }
    assertThat(steps).containsExactly(75L, 150L);
  }

  private static RunEnd run(Engine engine, RunOptions options, long stopAt, List<Double> losses) {
    RunListener listener =
        new RunListener() {
          @Override
          public void stepped(StepResult result, double bits, double seconds, double done) {
            losses.add(result.loss());
            if (result.step() == stopAt) {
              Thread.currentThread().interrupt();
            }
          }
        };
    try (TrainingRun run = TrainingRun.open(engine, options, START, listener)) {
      RunEnd end = run.run();
      assertThat(Thread.interrupted()).isEqualTo(end == RunEnd.CANCELLED);
      return end;
    }
  }

  private static RunOptions options(
      Path text, Path out, BatchShape batch, OptimizerOptions.Kind kind) {
    return new RunOptions(
        RunFiles.of(text, out),
        batch,
        TrainerOptions.DEFAULT
            .withRate(4e-3, TrainerOptions.DEFAULT.schedule())
            .withOptimizer(OptimizerOptions.DEFAULT.withKind(kind))
            .withMicroBatches(2),
        RateCurve.DEFAULT,
        RunLimit.steps(20),
        RunRhythm.DEFAULT.withEvery(7, 7).withSampleTokens(5),
        11);
  }

  private Path text() throws IOException {
    String[] who = {"cat", "dog", "bird"};
    String[] what = {"sees", "likes", "hears"};
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 3000; i++) {
      int draw = (int) (i * 2654435761L >>> 7 & 0xff);
      text.append("the ").append(who[draw % 3]).append(' ').append(what[draw / 3 % 3]);
      text.append(" the ").append(who[draw / 9 % 3]).append(".\n");
    }
    return Files.writeString(folder.resolve("text"), text);
  }
}
