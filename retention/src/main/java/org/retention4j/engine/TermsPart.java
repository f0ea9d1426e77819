package org.retention4j.engine;

/** The products of a row's three bf16 terms, which are then added up. */
final class TermsPart implements ProjectionPart {
  private final Float32Tile products;
  private final Float32Tile dense;
  private final Product product;
  private final Epilogue epilogue;

  TermsPart(
      Arena arena,
      Scratch scratch,
      Bfloat16Terms x,
      OneDnn.Weights w,
      Float32Tile to,
      Activation f) {
    products = (Float32Tile) scratch.tile(Bfloat16Terms.TERMS * to.rows(), to.columns());
    dense =
        Epilogue.needsDense(to, f)
            ? (Float32Tile) products.part(0, to.rows(), 0, to.columns())
            : to;
    product =
        OneDnn.product(
            arena,
            scratch::block,
            x.matrix(),
            OneDnn.BF16,
            w,
            OneDnn.Matrix.of(products, false),
            false,
            OneDnn.PostOp.NONE,
            null);
    epilogue = new Epilogue(arena, dense, to, f);
  }

  @Override
  public void run(Float32Lane lane) {
    product.run();
    for (int i = 0; i < dense.rows(); i++) {
      lane.parts().addTerms(products, i, dense);
    }
    epilogue.run(lane);
  }

  @Override
  public String implementation() {
    return epilogue.implementation(product.implementation());
  }
}
