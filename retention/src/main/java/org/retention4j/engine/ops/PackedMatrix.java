package org.retention4j.engine.ops;

/**
 * A weight matrix (out,in) in the layout the engine multiplies with: the only copy, made once.
 *
 * <p>{@link #unpack()} gives back exactly the values that were packed (after rounding to the weight
 * type, if that is narrower than the source).
 *
 * @since 0.1
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
   * Returns the weights as they were packed, to be read row by row while this matrix is open.
   *
   * @throws IllegalStateException after close, also from the source
   */
  MatrixSource unpack();

  @Override
  void close();
}
