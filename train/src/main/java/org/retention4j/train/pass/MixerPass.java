package org.retention4j.train.pass;

import java.util.List;
import org.retention4j.train.tensor.TrainedTensor;

/** A token mixer bound to its input and output tiles and to the tiles of their gradients. */
public interface MixerPass {
  /** x (B·T,D) -> y (B·T,D); keeps what {@link #backward} needs. */
  void forward(Segment segment);

  /** dy -> dx, which is overwritten; gradients of parameters are added. */
  void backward(Segment segment);

  /** Returns the states that streams carry on, as they are between two steps. */
  default List<TrainedTensor> carried() {
    return List.of();
  }
}
