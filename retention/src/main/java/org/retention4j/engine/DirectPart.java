package org.retention4j.engine;

/** Products of rows as they are with weights as they lie; slices of inputs are added up. */
final class DirectPart implements ProjectionPart {
  private final Product[] products;

  DirectPart(
      Arena arena,
      Scratch scratch,
      Float32Tile x,
      OneDnn.Weights[] w,
      Float32Tile to,
      Activation f) {
    products = new Product[w.length];
    int from = 0;
    for (int i = 0; i < w.length; i++) {
      int inputs = (int) w[i].rows();
      Float32Tile part = (Float32Tile) x.part(0, x.rows(), from, inputs);
      from += inputs;
      OneDnn.PostOp last = i == w.length - 1 ? OneDnn.postOp(f) : OneDnn.PostOp.NONE;
      products[i] =
          OneDnn.product(
              arena,
              scratch::block,
              OneDnn.Matrix.of(part, false),
              OneDnn.F32,
              w[i],
              OneDnn.Matrix.of(to, false),
              i > 0,
              last,
              null);
    }
  }

  @Override
  public void run(Float32Lane lane) {
    for (Product product : products) {
      product.run();
    }
  }

  @Override
  public String implementation() {
    return products[0].implementation();
  }
}
