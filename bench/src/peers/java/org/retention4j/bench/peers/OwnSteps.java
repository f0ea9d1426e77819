package org.retention4j.bench.peers;

import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.Batch;
import org.retention4j.train.Trainer;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.tensor.TrainedTensor;

/** Steps of this library; leaves the weights that it began with to the other. */
final class OwnSteps {
  private OwnSteps() {}

  /**
   * Runs steps and prints losses and seconds.
   *
   * @param args a case, the file for the weights, threads
   */
  public static void main(String[] args) throws IOException {
    PeerCase of = PeerCase.ALL.get(args[0]);
    int threads = Integer.parseInt(args[2]);
    int[][] tokens = new int[of.rows()][of.tokens()];
    int[][] targets = new int[of.rows()][of.tokens()];
    for (int b = 0; b < of.rows(); b++) {
      for (int t = 0; t < of.tokens(); t++) {
        tokens[b][t] = of.token(b, t);
        targets[b][t] = of.token(b, t + 1);
      }
    }
    List<Batch> batch = List.of(Batch.of(tokens, targets));
    TrainerOptions options = TrainerOptions.DEFAULT.withOptimizer(
            OptimizerOptions.DEFAULT.withWeightDecay(0, false));
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best());
        LanguageModel model =
            LanguageModel.random(engine, of.config(), WeightType.FLOAT32, 7);
        Trainer trainer = Trainer.of(engine, model, of.rows(), of.tokens(), options)) {
      write(trainer.weights(), Path.of(args[1]));
      StepTimes.print(() -> trainer.step(batch).loss());
    }
  }

  /** Writes name, rows, columns and fp32 elements of each. */
  private static void write(List<TrainedTensor> weights, Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new java.io.BufferedOutputStream(Files.newOutputStream(file)))) {
      out.writeInt(weights.size());
      for (TrainedTensor weight : weights) {
        out.writeUTF(weight.name());
        out.writeInt(weight.rows());
        out.writeInt(weight.columns());
        double[] row = new double[weight.columns()];
        for (int i = 0; i < weight.rows(); i++) {
          weight.read(i, row);
          for (double element : row) {
            out.writeFloat((float) element);
          }
        }
      }
    }
  }
}
