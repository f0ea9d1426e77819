package org.retention4j.train.pass;

import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** y = x·Wᵀ + b, and back: dW += dyᵀ·x, db += Σ dy, dx = dy·W or dx += dy·W. */
public final class Linear {
  private final Parameter bias;
  private final Product forward;
  private final Product weightGradient;
  private final Product inputGradient;
  private final RowBlocks addBias;
  private final RowBlocks biasGradient;

  /**
   * Binds.
   *
   * @param w (out,in)
   * @param bias (out), or null for none
   * @param x (M,in)
   * @param y (M,out)
   * @param dy (M,out)
   * @param dx (M,in)
   * @param add whether dx is added to
   */
  public Linear(
      PassContext context,
      Parameter w,
      Parameter bias,
      Tile x,
      Tile y,
      Tile dy,
      Tile dx,
      boolean add) {
    this.bias = bias;
    forward = context.product(x, false, w.value(), true, y, false);
    weightGradient = context.product(dy, true, x, false, w.gradient(), true);
    inputGradient = context.product(dy, false, w.value(), false, dx, add);
    RowView out = y.asRows(y.rows(), y.columns());
    RowView dOut = dy.asRows(dy.rows(), dy.columns());
    addBias =
        new RowBlocks(
            context.engine(),
            y.rows(),
            (lane, row, sums) -> lane.rows().add(out, bias.vector(), 0, row, 0));
    biasGradient =
        new RowBlocks(
            context.engine(),
            y.rows(),
            bias == null ? 0 : y.columns(),
            (lane, row, sums) -> lane.gradients().addTo(dOut, sums, 0, 0, row, 0));
  }

  public void forward() {
    forward.run();
    if (bias != null) {
      addBias.run();
    }
  }

  public void backward() {
    if (bias != null) {
      biasGradient.run(bias.vectorGradient(), 0);
    }
    weightGradient.run();
    inputGradient.run();
  }
}
