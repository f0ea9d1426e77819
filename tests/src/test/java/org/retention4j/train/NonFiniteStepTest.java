package org.retention4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.tensor.TrainedTensor;

/** A step whose gradient is not finite loses nothing. */
class NonFiniteStepTest {
  private static final Path MODEL = Path.of("src/test/resources/golden/training/fla-hybrid-tied");

  @ParameterizedTest(autoCloseArguments = false)
  @CsvSource({"FLOAT32,ADAMW", "FLOAT64,ADAMW", "FLOAT32,MUON", "FLOAT64,MUON"})
  void weightsAndMomentsStay(ElementType type, OptimizerOptions.Kind kind) {
    TrainerOptions options =
        TrainerOptions.DEFAULT.withOptimizer(OptimizerOptions.DEFAULT.withKind(kind));
    int[][] tokens = {{1, 2, 3, 4, 5, 6, 7}};
    int[][] targets = {{2, 3, 4, 5, 6, 7, 8}};
    try (Engine engine = Engine.create(type, 2, ComputeRoute.PLAIN);
        LanguageModel model = Checkpoint.open(MODEL).load(engine, LoadOptions.DEFAULT);
        Trainer trainer = Trainer.of(engine, model, 1, 7, options)) {
      Batch batch = Batch.of(tokens, targets);
      trainer.step(List.of(batch));
      TrainedTensor embedding = trainer.weights().get(0);
      double[] row = new double[embedding.columns()];
      embedding.read(3, row);
      double[] broken = row.clone();
      broken[5] = Double.NaN;
      embedding.write(3, broken);
      List<double[]> before = numbers(trainer);
      StepResult result = trainer.step(List.of(batch));
      assertThat(result.gradientNorm()).isNaN();
      assertThat(result.step()).isEqualTo(2);
      List<double[]> after = numbers(trainer);
      for (int i = 0; i < before.size(); i++) {
        assertThat(after.get(i)).isEqualTo(before.get(i));
      }
      assertThat(trainer.reports()).anyMatch(report -> Double.isNaN(report.gradientNorm()));
      embedding.write(3, row);
      assertThat(trainer.step(List.of(batch)).gradientNorm()).as("none was left").isFinite();
    }
  }

  /** Returns all rows of weights and moments; what streams carry is fresh in the next step. */
  private static List<double[]> numbers(Trainer trainer) {
    List<double[]> all = new ArrayList<>();
    List<TrainedTensor> tensors = new ArrayList<>(trainer.weights());
    trainer.progress().stream()
        .filter(t -> !t.name().contains("mixer.state"))
        .forEach(tensors::add);
    for (TrainedTensor tensor : tensors) {
      for (int i = 0; i < tensor.rows() && !tensor.name().endsWith("positions"); i++) {
        double[] row = new double[tensor.columns()];
        tensor.read(i, row);
        all.add(Arrays.copyOf(row, row.length));
      }
    }
    return all;
  }
}
