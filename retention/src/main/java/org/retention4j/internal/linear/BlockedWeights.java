package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Fp32Tile;

/** Weights of the fp32 engine, multiplied in blocks of outputs that lanes share out. */
public interface BlockedWeights extends PackedWeights {
  /** Enough blocks for two to sixteen lanes at the usual widths, each large enough to stream. */
  int BLOCK = 512;

  @Override
  default ElementType computes() {
    return ElementType.FLOAT32;
  }

  @Override
  default int blockOutputs(InputForm form) {
    return BLOCK;
  }

  @Override
  default MatMul plan(PlanContext context, PreparedInput x, int block, Tile y, Activation f) {
    return new BlockedMatMul(context, x, this, block, (Fp32Tile) y, f);
  }

  /**
   * Binds the product with one block.
   *
   * @param x of the form for these weights
   * @param from the first output
   * @param to the columns of the result, as many as {@link #blockOutputs} says, the last fewer
   */
  BlockMatMul block(PlanContext context, PreparedInput x, int from, Fp32Tile to, Activation f);

  /**
   * Refuses to go on after close.
   *
   * @throws IllegalStateException after close
   */
  void checkOpen();
}
