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

/**
 * Integers on both sides; each row's factor follows, as oneDNN takes only one for all rows, then
 * the activation.
 */
public final class Int8MatMul implements BlockMatMul {
  private final Int8Input x;
  private final WeightsBlock block;
  private final memory weights;
  private final Fp32Tile dense;
  private final Product product;
  private final Epilogue epilogue;

  public Int8MatMul(
      PlanContext context,
      Int8Input x,
      WeightsBlock block,
      memory scales,
      Fp32Tile to,
      Activation f) {
    Arena arena = context.owner();
    this.x = x;
    this.block = block;
    try (memory.desc layout = block.layout()) {
      weights = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
    }
    dense =
        Epilogue.needsDense(to, f)
            ? (Fp32Tile) context.scratch().tile(to.rows(), to.columns())
            : to;
    product =
        OneDnn.product(
            arena,
            context.scratch()::block,
            x.matrix(),
            OneDnn.S8,
            new OneDnn.Weights(weights, block.inputs(), block.columns(), scales),
            OneDnn.Matrix.of(dense, false),
            false,
            OneDnn.PostOp.NONE);
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(LaneScratch scratch) {
    weights.set_data_handle(block.in(scratch));
    product.run();
    for (int i = 0; i < dense.rows(); i++) {
      Epilogue.scaleRow(scratch, dense, i, x.factor(i), dense);
    }
    epilogue.run(scratch);
  }

  @Override
  public String implementation() {
    return epilogue.implementation(product.implementation());
  }
}
