package org.retention4j.train.run;

import java.util.Arrays;
import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;
import org.retention4j.train.StepResult;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Learns nothing, but all that a trainer depends on is in its numbers: what it read, in which
 * order, at which rates. Its model is a function of them.
 */
final class FakeLearner implements Learner {
  private final Engine engine;
  private final DecoderConfig config;
  private final TrainerOptions options;
  private final double[][] numbers = new double[2][5];
  private long steps;
  private long tokens;

  FakeLearner(Engine engine, LanguageModel model, int rows, int length, TrainerOptions options) {
    this.engine = engine;
    this.options = options;
    config = model.config();
  }

  @Override
  public StepResult step(BatchSource source) {
    steps++;
    double rate = options.rate() * options.schedule().factor(steps);
    for (int i = 0; i < options.microBatches(); i++) {
      Batch batch = source.next();
      int read = Arrays.deepHashCode(batch.tokens()) + Arrays.hashCode(batch.fresh());
      for (double[] row : numbers) {
        for (int j = 0; j < row.length; j++) {
          row[j] = (float) (0.9 * row[j] + rate * (read >> j) / Integer.MAX_VALUE);
        }
      }
      tokens += (long) batch.rows() * batch.length();
    }
    return new StepResult(steps, tokens, loss(), 1, false, rate);
  }

  private double loss() {
    return 5 - Math.min(4, steps / 100.0);
  }

  @Override
  public double evaluate(Batch batch) {
    return loss() + numbers[0][0] / 1000;
  }

  @Override
  public LanguageModel model() {
    return InitialModel.of(engine, config, Arrays.deepHashCode(numbers));
  }

  @Override
  public List<TrainedTensor> progress() {
    return List.of(
        new TrainedTensor() {
          @Override
          public String name() {
            return "numbers";
          }

          @Override
          public int rows() {
            return 2;
          }

          @Override
          public int columns() {
            return 5;
          }

          @Override
          public void read(int row, double[] into) {
            System.arraycopy(numbers[row], 0, into, 0, 5);
          }

          @Override
          public void write(int row, double[] from) {
            System.arraycopy(from, 0, numbers[row], 0, 5);
          }
        });
  }

  @Override
  public void resume(long stepsSoFar, long tokensSoFar) {
    steps = stepsSoFar;
    tokens = tokensSoFar;
  }

  @Override
  public void close() {}
}
