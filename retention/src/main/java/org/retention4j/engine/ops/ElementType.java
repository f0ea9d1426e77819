package org.retention4j.engine.ops;

/**
 * The type of activations and states. Weights may be narrower, see {@link WeightType}.
 *
 * @since 0.1
 */
public enum ElementType {
  /** IEEE single precision: the working type. */
  FLOAT32(4),
  /** IEEE double precision: for proofs and references. */
  FLOAT64(8);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
