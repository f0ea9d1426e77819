package org.retention4j.train.run;

import java.util.List;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;
import org.retention4j.train.StepResult;
import org.retention4j.train.tensor.TrainedTensor;

/** A learner whose loss is NaN at its fifth step. */
record Broken(Learner whole) implements Learner {
  @Override
  public StepResult step(BatchSource source) {
    StepResult r = whole.step(source);
    double loss = r.step() == 5 ? Double.NaN : r.loss();
    return new StepResult(r.step(), r.tokens(), loss, r.gradientNorm(), r.clipped(), r.rate());
  }

  @Override
  public double evaluate(Batch batch) {
    return whole.evaluate(batch);
  }

  @Override
  public LanguageModel model() {
    return whole.model();
  }

  @Override
  public List<TrainedTensor> progress() {
    return whole.progress();
  }

  @Override
  public void resume(long steps, long tokens) {
    whole.resume(steps, tokens);
  }

  @Override
  public void close() {
    whole.close();
  }
}
