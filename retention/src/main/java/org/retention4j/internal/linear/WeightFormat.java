package org.retention4j.internal.linear;

import java.util.Optional;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;

/**
 * A storage of weights of one type and who multiplies with it. An engine asks its formats in order
 * and takes the first of a type that does not refuse.
 */
public interface WeightFormat {
  /** Returns the type of the weights. */
  WeightType type();

  /** Returns who multiplies and where the weights lie, as the log says it. */
  String description();

  /**
   * Returns why this JVM or this heap is not made for weights of a size, or nothing if it is. Loads
   * nothing native, for estimates ask it too.
   */
  default Optional<String> refuses(long outputs, long inputs) {
    return Optional.empty();
  }

  /**
   * Returns why the host is not made for this format as its native code has it, or nothing if it
   * is; asked before weights are packed that were not refused.
   */
  default Optional<String> unsuited() {
    return Optional.empty();
  }

  /** Packs weights that were not refused; the source is not kept. */
  PackedWeights pack(Lanes lanes, MatrixSource source);

  /** Returns the bytes of weights of a size, to within 1 % unless they are few. */
  long bytes(long outputs, long inputs);
}
