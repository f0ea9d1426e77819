package org.retention4j.engine;

/**
 * Integers on both sides; each row's factor follows, as oneDNN takes only one for all rows, then
 * the activation.
 */
final class Int8Part implements ProjectionPart {
  private final Int8Operand x;
  private final Float32Tile dense;
  private final Product product;
  private final Epilogue epilogue;

  Int8Part(
      Arena arena, Scratch scratch, Int8Operand x, OneDnn.Weights w, Float32Tile to, Activation f) {
    this.x = x;
    dense = Epilogue.needsDense(to, f) ? (Float32Tile) scratch.tile(to.rows(), to.columns()) : to;
    product =
        OneDnn.product(
            arena,
            scratch::block,
            x.matrix(),
            OneDnn.S8,
            w,
            OneDnn.Matrix.of(dense, false),
            false,
            OneDnn.PostOp.NONE,
            null);
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(Float32Lane lane) {
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
