package org.retention4j.engine;

/** Weights that the fp32 engine multiplies with, in blocks of output features. */
sealed interface Float32Matrix extends PackedMatrix permits Float32Packed, HeapMatrix {
  /** Enough blocks for two to sixteen lanes at the usual widths, each large enough to stream. */
  int BLOCK = 512;

  /**
   * Returns how many output features a part has for an operand of this kind, at most {@value
   * #BLOCK}. What lies in blocks already has parts of {@value #BLOCK} only; all others take any
   * number that this gives for any weights, so that the larger of two will do for both.
   */
  default int block(Operand.Kind kind) {
    return BLOCK;
  }

  /**
   * Returns what stands in for the other operand of products with so many rows.
   *
   * @param bfloat16 whether it may be rounded to bf16
   */
  Operand.Kind operandKind(int rows, boolean bfloat16);

  /**
   * Binds the product with one block.
   *
   * @param x of the kind for these weights
   * @param from the first output feature
   * @param to the columns of the result, as many as {@link #block} says, the last part fewer
   */
  ProjectionPart part(
      Arena arena, Scratch scratch, Operand x, int from, Float32Tile to, Activation f);

  /**
   * Refuses to go on after close.
   *
   * @throws IllegalStateException after close
   */
  void checkOpen();
}
