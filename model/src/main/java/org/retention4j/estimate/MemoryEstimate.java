package org.retention4j.estimate;

import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.StateSize;

/**
 * How many bytes models and sequences take, as those say who will hold them: engines of weights,
 * mixers of states. Nothing is loaded or made. Norms and biases, some kilobytes, are not counted.
 *
 * @since 0.1
 */
public final class MemoryEstimate {
  private final ElementType type;

  /**
   * Makes estimates for an engine.
   *
   * @param type that it computes in; in fp32 by the best route of this JVM
   */
  public MemoryEstimate(ElementType type) {
    this.type = type;
  }

  /** Returns the type that the engine computes in. */
  public ElementType type() {
    return type;
  }

  /** Returns the bytes of a packed matrix (out,in). */
  public long matrix(WeightType weights, long outputs, long inputs) {
    return Engine.packedBytes(type, weights, outputs, inputs);
  }

  /** Returns the bytes of an embedding table. */
  public long table(WeightType weights, long rows, long columns) {
    return Engine.tableBytes(weights, rows, columns);
  }

  /**
   * Returns the bytes of one sequence.
   *
   * @param length tokens so far, at least 0
   */
  public StateSize sequence(DecoderConfig config, KvCacheOptions options, long length) {
    StateSize sum = StateSize.NONE;
    for (LayerConfig layer : config.layers()) {
      sum = sum.plus(layer.mixer().stateSize(type, options, length));
    }
    return sum;
  }
}
