package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;

/**
 * Integers on both sides; each row's factor follows, as oneDNN takes only one for all rows, then
 * the activation.
 */
final class Int8Part implements ProjectionPart {
  private final Int8Operand x;
  private final WeightsBlock block;
  private final memory weights;
  private final Float32Tile dense;
  private final Product product;
  private final Epilogue epilogue;

  Int8Part(
      Arena arena,
      Scratch scratch,
      Int8Operand x,
      WeightsBlock block,
      memory scales,
      Float32Tile to,
      Activation f) {
    this.x = x;
    this.block = block;
    try (memory.desc layout = block.layout()) {
      weights = arena.own(new memory(layout, OneDnn.cpu(), (Pointer) null));
    }
    dense = Epilogue.needsDense(to, f) ? (Float32Tile) scratch.tile(to.rows(), to.columns()) : to;
    product =
        OneDnn.product(
            arena,
            scratch::block,
            x.matrix(),
            OneDnn.S8,
            new OneDnn.Weights(weights, block.inputs(), block.columns(), scales),
            OneDnn.Matrix.of(dense, false),
            false,
            OneDnn.PostOp.NONE,
            null);
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(Float32Lane lane) {
    weights.set_data_handle(block.in(lane));
    product.run();
    for (int i = 0; i < dense.rows(); i++) {
      lane.parts().scaleRow(dense, i, x.factor(i), dense);
    }
    epilogue.run(lane);
  }

  @Override
  public String implementation() {
    return epilogue.implementation(product.implementation());
  }
}
