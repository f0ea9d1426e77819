package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;

/** Products of bf16 rows with bf16 weights. */
final class PairedPart implements ProjectionPart {
  private final WeightsBlock block;
  private final memory weights;
  private final Product product;

  PairedPart(
      Arena arena,
      Scratch scratch,
      Bfloat16Operand x,
      WeightsBlock block,
      Float32Tile to,
      Activation f) {
    this.block = block;
    try (memory.desc layout = block.layout()) {
      weights = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
    }
    product =
        OneDnn.product(
            arena,
            scratch::block,
            x.matrix(),
            OneDnn.BF16,
            new OneDnn.Weights(weights, block.inputs(), block.columns(), null),
            OneDnn.Matrix.of(to, false),
            false,
            OneDnn.postOp(f),
            null);
  }

  @Override
  public void run(Float32Lane lane) {
    weights.set_data_handle(block.in(lane));
    product.run();
  }

  @Override
  public String implementation() {
    return product.implementation();
  }
}
