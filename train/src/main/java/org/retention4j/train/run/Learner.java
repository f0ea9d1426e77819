package org.retention4j.train.run;

import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;
import org.retention4j.train.StepResult;
import org.retention4j.train.Trainer;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.tensor.ActivationReport;
import org.retention4j.train.tensor.TensorReport;
import org.retention4j.train.tensor.TrainedTensor;

/** What a run asks of a trainer. */
interface Learner extends AutoCloseable {
  /** Makes a learner of a model, which stays the caller's. */
  interface Maker {
    /** Begins with the weights of a model. */
    Learner of(Engine engine, LanguageModel model, int rows, int length, TrainerOptions options);
  }

  StepResult step(BatchSource source);

  /** Has the steps from now on tell all in {@link #reports}, or not. */
  default void observe(boolean value) {}

  /** Returns what the last step found of each parameter. */
  default List<TensorReport> reports() {
    return List.of();
  }

  /** Returns what the last step found on its way forth. */
  default ActivationReport activations() {
    return ActivationReport.NONE;
  }

  double evaluate(Batch batch);

  LanguageModel model();

  List<TrainedTensor> progress();

  void resume(long steps, long tokens);

  @Override
  void close();

  /** Returns a trainer as a learner. */
  static Learner trainer(
      Engine engine, LanguageModel model, int rows, int length, TrainerOptions options) {
    Trainer trainer = Trainer.of(engine, model, rows, length, options);
    return new Learner() {
      @Override
      public StepResult step(BatchSource source) {
        return trainer.step(source);
      }

      @Override
      public void observe(boolean value) {
        trainer.observe(value);
      }

      @Override
      public List<TensorReport> reports() {
        return trainer.reports();
      }

      @Override
      public ActivationReport activations() {
        return trainer.activations();
      }

      @Override
      public double evaluate(Batch batch) {
        return trainer.evaluate(batch);
      }

      @Override
      public LanguageModel model() {
        return trainer.model();
      }

      @Override
      public List<TrainedTensor> progress() {
        return trainer.progress();
      }

      @Override
      public void resume(long steps, long tokens) {
        trainer.resume(steps, tokens);
      }

      @Override
      public void close() {
        trainer.close();
      }
    };
  }
}
