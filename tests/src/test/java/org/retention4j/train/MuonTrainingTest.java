package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.train.data.Documents;
import org.retention4j.train.data.TokenStreams;
import org.retention4j.train.data.TrainingText;
import org.retention4j.train.evaluate.NGramLadder;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.story.StoryGrammar;
import org.retention4j.train.tensor.TrainedTensor;

/** Whole models by Muon, at AdamW's rates. */
class MuonTrainingTest {
  private static final OptimizerOptions MUON =
      OptimizerOptions.DEFAULT.withKind(OptimizerOptions.Kind.MUON);

  private static final int STEPS = 120;
  private static final int ROWS = 8;
  private static final int LENGTH = 128;

  /** Preceding bytes whose counts, in the same text, a model is to be better than. */
  private static final int ORDER = 2;

  @TempDir private Path folder;

  @Test
  void storiesAreLearnt() throws Exception {
    Path text = folder.resolve("stories");
    Files.write(text, StoryGrammar.SMALL.text(1, 200_000));
    TrainingText stories = TrainingText.read(text, 0.05, Documents.FILES, new ByteTokenizer(256));
    TokenStreams source =
        new TokenStreams(stories.learnt(), ROWS, LENGTH, 1, TokenStreams.FRESH, 1);
    TrainerOptions options =
        TrainerOptions.DEFAULT.withRate(8e-3, Schedule.constant(20)).withOptimizer(MUON);
    try (Engine engine = Engine.float32();
        LanguageModel random =
            LanguageModel.random(engine, ModelShapes.trained("ci"), WeightType.FLOAT32, 1);
        Trainer trainer = Trainer.of(engine, random, ROWS, LENGTH, options)) {
      double last = 0;
      for (int i = 0; i < STEPS; i++) {
        StepResult step = trainer.step(source);
        last += i >= STEPS - 10 ? step.loss() / 10 : 0;
      }
      double counts =
          NGramLadder.measure(stories.learnt().toBytes(), stories.heldOut().toBytes(), ORDER)
              .rungs()
              .get(ORDER)
              .bpb();
      assertThat(last / Math.log(2))
          .as("bits for each byte of the last ten steps")
          .isBetween(StoryGrammar.SMALL.bitsPerByte(), counts);
    }
  }

  /** Each matrix of a layer by itself; embedding, output, norms and biases are AdamW's. */
  @Test
  void theMatricesOfLayersAreMuons() {
    try (Engine engine = Engine.float32();
        LanguageModel random =
            LanguageModel.random(engine, ModelShapes.trained("ci"), WeightType.FLOAT32, 1);
        Trainer trainer =
            Trainer.of(engine, random, 1, 8, TrainerOptions.DEFAULT.withOptimizer(MUON))) {
      List<String> names = trainer.progress().stream().map(TrainedTensor::name).toList();
      List<String> layers =
          Stream.of("query", "key", "value", "gate", "output")
              .map(name -> "mixer." + name)
              .flatMap(name -> Stream.of("layers.0." + name, "layers.1." + name))
              .map(name -> name + ".momentum")
              .toList();
      assertThat(names).containsAll(layers);
      assertThat(names).contains("embedding.mean", "final norm.mean", "layers.0.mixer norm.mean");
      assertThat(names).noneMatch(name -> name.matches("(embedding|output|.*norm)\\.momentum"));
      assertThat(names).noneMatch(name -> name.matches("layers\\..*(query|key|value)\\.mean"));
    }
  }
}
