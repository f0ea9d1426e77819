package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/** Products of bf16 rows with bf16 weights. */
public final class Bf16MatMul implements BlockMatMul {
  private final WeightsBlock block;
  private final memory weights;
  private final Product product;

  public Bf16MatMul(
      PlanContext context, Bf16Input x, WeightsBlock block, Fp32Tile to, Activation f) {
    Arena arena = context.owner();
    this.block = block;
    try (memory.desc layout = block.layout()) {
      weights = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
    }
    product =
        OneDnn.product(
            arena,
            context.scratch()::block,
            OneDnn.Matrix.of(x.rounded(), false),
            OneDnn.BF16,
            new OneDnn.Weights(weights, block.inputs(), block.columns(), null),
            OneDnn.Matrix.of(to, false),
            false,
            OneDnn.postOp(f));
  }

  @Override
  public void run(LaneScratch scratch) {
    weights.set_data_handle(block.in(scratch));
    product.run();
  }

  @Override
  public String implementation() {
    return product.implementation();
  }
}
