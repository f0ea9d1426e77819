package org.retention4j.train.optimizer;

import java.util.List;
import org.retention4j.train.tensor.TensorReport;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Changes parameters by their gradients, which are zero again afterwards. What comes out does not
 * depend on the number of lanes.
 */
public interface Optimizer extends AutoCloseable {
  /** Returns the norm of the whole gradient. */
  double gradientNorm();

  /**
   * Takes a step and clears the gradients, behind {@link #gradientNorm}.
   *
   * @param observed whether {@link #reports} is to tell of its ratios
   */
  void step(OptimizerStep next, boolean observed);

  /** Clears the gradients and changes nothing else. */
  void discard();

  /** Returns what the last step found of each parameter, in their order. */
  List<TensorReport> reports();

  /** Returns what goes on with a run. */
  List<TrainedTensor> moments();

  /** Returns the bytes of what the buffers that it was given do not own. */
  default long bytes() {
    return 0;
  }

  @Override
  default void close() {}
}
