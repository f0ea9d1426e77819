package org.retention4j.train.pass;

import java.util.List;
import org.retention4j.train.tensor.TrainedTensor;

/** A token mixer bound to its input and output tiles and to the tiles of their gradients. */
public interface MixerPass {
  /** x (B·T,D) -> y (B·T,D); keeps what {@link #backward} needs. */
  void forward(Segment segment);

  /** dy -> dx, which is overwritten; gradients of parameters are added. */
  void backward(Segment segment);

  /**
   * Has the ways forth from now on add what the heads put out, where there are heads with a norm of
   * their own behind them.
   *
   * @param to where to; null for nowhere
   */
  default void measure(HeadSizes to) {}

  /** Returns the states that streams carry on, as they are between two steps. */
  default List<TrainedTensor> carried() {
    return List.of();
  }
}
