package org.retention4j.train;

import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;

/**
 * Trains a model: it owns weights of its own that change with every step, and gives a {@link
 * LanguageModel} of them when asked. Used by one thread at a time.
 *
 * @since 0.1
 */
public final class Trainer implements AutoCloseable {
  private Trainer() {}

  /**
   * Begins with the weights of a model, which are copied: the model stays the caller's.
   *
   * @param rows B of every batch
   * @param length T of every batch
   * @throws IllegalArgumentException if the model cannot be trained, int8 weights for instance
   */
  public static Trainer of(
      Engine engine, LanguageModel model, int rows, int length, TrainerOptions options) {
    throw new UnsupportedOperationException();
  }

  /** Takes one step over as many batches of a source as the options say. */
  public StepResult step(BatchSource source) {
    throw new UnsupportedOperationException();
  }

  /** Returns the mean cross-entropy in nats of a batch, and changes nothing; rows are fresh. */
  public double evaluate(Batch batch) {
    throw new UnsupportedOperationException();
  }

  /** Returns a model of the weights as they are now, in fp32; it is the caller's to close. */
  public LanguageModel model() {
    throw new UnsupportedOperationException();
  }

  /** Returns the weights, which change with every step. */
  public List<TrainedTensor> weights() {
    throw new UnsupportedOperationException();
  }

  /** Returns what else a run needs to go on: moments of the optimizer, carried states. */
  public List<TrainedTensor> progress() {
    throw new UnsupportedOperationException();
  }

  /** Returns the steps so far. */
  public long steps() {
    throw new UnsupportedOperationException();
  }

  /** Returns the tokens so far. */
  public long tokens() {
    throw new UnsupportedOperationException();
  }

  /** Says how far a run had come whose weights and progress were written back. */
  public void resume(long steps, long tokens) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
