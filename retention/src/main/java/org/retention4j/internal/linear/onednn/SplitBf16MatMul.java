package org.retention4j.internal.linear.onednn;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Product;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.linear.BlockMatMul;
import org.retention4j.internal.linear.PlanContext;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/** The products of a row's three bf16 terms, which are then added up. */
public final class SplitBf16MatMul implements BlockMatMul {
  private final Fp32Tile products;
  private final Fp32Tile dense;
  private final Product product;
  private final Epilogue epilogue;

  public SplitBf16MatMul(
      PlanContext context, SplitBf16Input x, OneDnn.Weights w, Fp32Tile to, Activation f) {
    Arena arena = context.owner();
    products = (Fp32Tile) context.scratch().tile(SplitBf16Input.TERMS * to.rows(), to.columns());
    dense =
        Epilogue.needsDense(to, f) ? (Fp32Tile) products.part(0, to.rows(), 0, to.columns()) : to;
    product =
        OneDnn.product(
            arena,
            context.scratch()::block,
            x.matrix(),
            OneDnn.BF16,
            w,
            OneDnn.Matrix.of(products, false),
            false,
            OneDnn.PostOp.NONE);
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(LaneScratch scratch) {
    product.run();
    for (int i = 0; i < dense.rows(); i++) {
      addTerms(scratch, products, i, dense);
    }
    epilogue.run(scratch);
  }

  @Override
  public String implementation() {
    return epilogue.implementation(product.implementation());
  }

  /** to[i,:] ← the sum of row i's products by term, smallest terms first. */
  private static void addTerms(LaneScratch scratch, Fp32Tile products, int i, Fp32Tile to) {
    int n = products.columns();
    int apart = products.rows() / SplitBf16Input.TERMS;
    float[] sum = scratch.row(n);
    float[] next = scratch.second(n);
    products.read((SplitBf16Input.TERMS - 1) * apart + i, sum, n);
    for (int term = SplitBf16Input.TERMS - 2; term >= 0; term--) {
      products.read(term * apart + i, next, n);
      for (int j = 0; j < n; j++) {
        sum[j] += next[j];
      }
    }
    to.write(i, sum, n);
  }
}
