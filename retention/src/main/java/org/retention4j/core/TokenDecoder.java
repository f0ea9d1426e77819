package org.retention4j.core;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A block bound to a state, one token of each row at a time: write {@link #input()}, {@link
 * #step()}, read {@link #output()}. A step allocates nothing. Used by one thread at a time.
 *
 * @since 0.1
 */
public final class TokenDecoder implements BoundSequence {
  private final BoundSequence bound;
  private final BlockInput input;
  private final INDArray y;

  TokenDecoder(BoundSequence bound, BlockInput input, INDArray y) {
    this.bound = bound;
    this.input = input;
    this.y = y;
  }

  /** Returns the array (B,1,D) that the next step reads. */
  public INDArray input() {
    return input.x();
  }

  /**
   * Returns the array (B,1,D_kv) that keys and values of the next step are made from.
   *
   * @throws IllegalStateException if the block has one stream
   */
  public INDArray keyValueInput() {
    return input
        .keyValues()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "expected a block with a key/value stream, got one with x alone"));
  }

  /** Returns the array (B,1,D) that the last step wrote. */
  public INDArray output() {
    return y;
  }

  @Override
  public void step() {
    bound.step();
  }

  @Override
  public String implementation() {
    return bound.implementation();
  }

  @Override
  public void close() {
    bound.close();
  }
}
