package org.retention4j.internal.linear;

import java.util.Optional;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;

/**
 * A storage of weights and who multiplies with it. An engine asks its formats in order and takes
 * the first of a type that refuses nothing; a new weight type is one more of these.
 */
public interface WeightFormat {
  /** Returns the type of the weights. */
  WeightType type();

  /** Returns who multiplies and where the weights lie, as the log says it. */
  String description();

  /**
   * Returns why this host or this heap is not made for weights of a size, or nothing if it is. A
   * format that refuses nothing must be asked to {@link #pack} or to forget it: it may have counted
   * them already.
   */
  default Optional<String> refuses(int outputs, int inputs) {
    return Optional.empty();
  }

  /** Packs weights that were not refused; the source is not retained. */
  PackedWeights pack(Lanes lanes, MatrixSource source);

  /** Returns the bytes of weights of a size, to within 1 % unless they are few. */
  long bytes(long outputs, long inputs);
}
