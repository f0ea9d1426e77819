package org.retention4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.TrainerOptions;

/** Small runs of a learner that only keeps count. */
abstract class RunCase {
  static final Engine ENGINE = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
  static final DecoderConfig SHAPE = shape(8);
  static final RunStart START = RunStart.shape(SHAPE);
  static final RunFolder.Watch QUIET = what -> {};

  @TempDir Path folder;

  Path text;

  @BeforeEach
  void writeText() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 200; i++) {
      lines.append("line ").append(i * i).append(i % 7 == 0 ? "\n\n" : "\n");
    }
    text = Files.writeString(folder.resolve("text"), lines);
  }

  void refused(RunOptions options, RunStart start, String why) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TrainingRun.open(
                        ENGINE, options, start, RunListener.SILENT, FakeLearner::new, QUIET)
                    .close())
        .withMessageContaining(why);
  }

  static TrainingRun open(RunOptions options, RunListener listener, RunFolder.Watch watch) {
    return TrainingRun.open(ENGINE, options, START, listener, FakeLearner::new, watch);
  }

  static void run(RunOptions options) {
    try (TrainingRun run = open(options, RunListener.SILENT, QUIET)) {
      assertThat(run.run()).isEqualTo(RunEnd.DONE);
    }
  }

  RunOptions options(Path out, long steps) {
    return new RunOptions(
        RunFiles.of(text, out).withHeldOutShare(0.1),
        BatchShape.streams(2, 16),
        TrainerOptions.DEFAULT.withRate(0.1, TrainerOptions.DEFAULT.schedule()).withMicroBatches(3),
        RateCurve.DEFAULT,
        RunLimit.steps(steps),
        RunRhythm.DEFAULT.withEvery(2, 2).withSampleTokens(3),
        7);
  }

  static RunOptions with(RunOptions o, UnaryOperator<TrainerOptions> change) {
    return new RunOptions(
        o.files(),
        o.batch(),
        change.apply(o.trainer()),
        o.curve(),
        o.limit(),
        o.rhythm(),
        o.seed());
  }

  /** The last checkpoints are equal to the byte, but for the time it took. */
  static void assertSame(Path got, Path expected) throws IOException {
    Path last = expected.resolve(Files.readString(expected.resolve("latest")).strip());
    Path same = got.resolve(last.getFileName());
    assertThat(Files.readString(got.resolve("latest")).strip())
        .isEqualTo(last.getFileName().toString());
    for (String name : List.of("model.safetensors", "optimizer.safetensors", "config.json")) {
      assertThat(Files.readAllBytes(same.resolve(name)))
          .as(name)
          .isEqualTo(Files.readAllBytes(last.resolve(name)));
    }
    assertThat(Files.readAllBytes(got.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(last.resolve("model.safetensors")));
    assertThat(withoutTime(same)).isEqualTo(withoutTime(last));
  }

  static ObjectNode withoutTime(Path checkpoint) throws IOException {
    JsonNode json = new ObjectMapper().readTree(checkpoint.resolve("trainer.json").toFile());
    return ((ObjectNode) json).without(List.of("seconds"));
  }

  static List<JsonNode> log(Path out) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out.resolve("train.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  static List<Long> steps(Path out) throws IOException {
    return log(out).stream()
        .filter(line -> line.get("type").asText().equals("step"))
        .map(line -> line.get("step").asLong())
        .toList();
  }

  static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  static DecoderConfig shape(int width) {
    LayerConfig layer =
        new LayerConfig(RetentionMixerConfig.fla(width, 2), 2 * width, Activation.SILU);
    return new DecoderConfig(256, width, List.of(layer), 1e-6, 1, false, true);
  }
}
