package org.retention4j.core;

import org.retention4j.nn.ArrayBinding;

/** The block on its arrays. */
final class BlockBinding implements BoundSequence {
  private final ArrayBinding arrays;

  BlockBinding(ArrayBinding arrays) {
    this.arrays = arrays;
  }

  @Override
  public void step() {
    arrays.step();
  }

  @Override
  public String implementation() {
    return arrays.implementation();
  }

  @Override
  public void close() {
    arrays.close();
  }
}
