package org.retention4j.engine;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A weight matrix (out,in) in the layout the engine multiplies with: the only copy, made once.
 *
 * <p>{@link #unpack()} gives back exactly the values that were packed (after rounding to the weight
 * type, if that is narrower than the source).
 */
public interface PackedMatrix extends AutoCloseable {
  /** Returns the number of input features. */
  int inputs();

  /** Returns the number of output features. */
  int outputs();

  /** Returns the type in which the weights are stored. */
  WeightType type();

  /** Returns whether {@link #close()} was called. */
  boolean closed();

  /** Returns the bytes held. */
  long bytes();

  /**
   * Returns the weights as a new array of shape (out,in), fp32 (float64 in the float64 engine).
   *
   * @throws IllegalStateException after close
   */
  INDArray unpack();

  @Override
  void close();
}
