package org.retention4j.internal.linear.onednn;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/** Products of rows as they are with weights as they lie; slices of inputs are added up. */
public final class Fp32MatMul implements BlockMatMul {
  private final Product[] products;

  public Fp32MatMul(
      PlanContext context, Fp32Tile x, OneDnn.Weights[] w, Fp32Tile to, Activation f) {
    Arena arena = context.owner();
    products = new Product[w.length];
    int from = 0;
    for (int i = 0; i < w.length; i++) {
      int inputs = (int) w[i].rows();
      Fp32Tile part = (Fp32Tile) x.part(0, x.rows(), from, inputs);
      from += inputs;
      OneDnn.PostOp last = i == w.length - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE;
      products[i] =
          OneDnn.product(
              arena,
              context.scratch()::block,
              OneDnn.Matrix.of(part, false),
              OneDnn.F32,
              w[i],
              OneDnn.Matrix.of(to, false),
              i > 0,
              last);
    }
  }

  @Override
  public void run(LaneScratch scratch) {
    for (Product product : products) {
      product.run();
    }
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
