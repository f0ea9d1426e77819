package org.retention4j.engine;

/**
 * An activation after a product that could not carry it; the rows then go to their place. oneDNN
 * applies it well to dense rows only, so they are dense until then.
 */
final class Epilogue {
  private final Float32Tile dense;
  private final Float32Tile to;
  private final Product activation;

  /**
   * Prepares to ← f(dense).
   *
   * @param dense {@code to} itself, or dense where {@link #needsDense}
   */
  Epilogue(Arena arena, Float32Tile dense, Float32Tile to, Activation f) {
    this.dense = dense;
    this.to = to;
    activation =
        f == Activation.NONE
            ? null
            : OneDnn.activation(arena, OneDnn.Matrix.of(dense, false), OneDnn.postOp(f));
  }

  /** Returns whether the product must be written to dense rows first. */
  static boolean needsDense(Float32Tile to, Activation f) {
    return f != Activation.NONE && !to.dense();
  }

  void run(Float32Lane lane) {
    if (activation != null) {
      activation.run();
    }
    for (int i = 0; i < to.rows() && to != dense; i++) {
      lane.parts().scaleRow(dense, i, 1, to);
    }
  }

  /** Returns what is run after and including a product. */
  String implementation(String product) {
    return activation == null ? product : product + "+" + activation.implementation();
  }
}
