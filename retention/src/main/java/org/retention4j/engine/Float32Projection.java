package org.retention4j.engine;

import org.bytedeco.dnnl.memory;

/** A projection whose parts are the weight's blocks of output features. */
final class Float32Projection implements Projection {
  private final Float32Packed weights;
  private final Product[] products;

  Float32Projection(Arena arena, Float32Tile x, Float32Packed w, Float32Tile y, Activation f) {
    weights = w;
    memory[] blocks = w.blocks();
    products = new Product[blocks.length];
    OneDnn.Matrix src = OneDnn.Matrix.of(x, false);
    for (int i = 0; i < blocks.length; i++) {
      int from = i * Float32Packed.BLOCK;
      int columns = Math.min(Float32Packed.BLOCK, w.outputs() - from);
      Float32Tile part = (Float32Tile) y.part(0, y.rows(), from, columns);
      products[i] =
          OneDnn.product(
              arena,
              src,
              blocks[i],
              w.inputs(),
              columns,
              OneDnn.Matrix.of(part, false),
              f == Activation.SILU ? OneDnn.PostOp.SILU : OneDnn.PostOp.NONE,
              null);
    }
  }

  @Override
  public int parts() {
    return products.length;
  }

  @Override
  public void run(Lane lane, int part) {
    weights.checkOpen();
    products[part].run();
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
