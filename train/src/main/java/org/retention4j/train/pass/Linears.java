package org.retention4j.train.pass;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/**
 * Linear maps of one input, y = x·Wᵀ + b for each, and back: dW += dyᵀ·x, db += Σ dy and dx = Σ
 * dy·W over all of them. Each way is one task for the lanes.
 */
public final class Linears {
  private final PassContext context;
  private final Tile x;
  private final Tile dx;
  private final TileProducts forward;
  private final TileProducts backward;
  private final List<Bias> biases = new ArrayList<>();
  private final TileProducts ofWeights;
  private final boolean laterX;
  private boolean empty = true;

  /** A bias and what is done with it. */
  private record Bias(Parameter bias, RowBlocks add, RowBlocks gradient) {}

  /**
   * Begins without maps.
   *
   * @param x (M,in)
   * @param dx (M,in), overwritten on the way back
   */
  public Linears(PassContext context, Tile x, Tile dx) {
    this(context, x, dx, false);
  }

  /**
   * The same.
   *
   * @param laterX whether x is not there yet on the way back: {@link #backwardWeights} then takes
   *     the gradients of weights, which {@link #backward} does not
   */
  public Linears(PassContext context, Tile x, Tile dx, boolean laterX) {
    this.context = context;
    this.x = x;
    this.dx = dx;
    this.laterX = laterX;
    forward = context.products();
    backward = context.products();
    ofWeights = laterX ? backward.behind() : backward;
  }

  /**
   * Adds a map.
   *
   * @param w (out,in)
   * @param bias (out), or null for none
   * @param y (M,out)
   * @param dy (M,out)
   */
  public Linears add(Parameter w, Parameter bias, Tile y, Tile dy) {
    forward.add(x, false, w.value(), true, y, false);
    // Before the weights': dy is rounded for both.
    backward.add(dy, false, w.value(), false, dx, !empty);
    ofWeights.add(dy, true, x, false, w.gradient(), true);
    empty = false;
    if (bias != null) {
      biases.add(bias(bias, y, dy));
    }
    return this;
  }

  private Bias bias(Parameter bias, Tile y, Tile dy) {
    RowView out = y.asRows(y.rows(), y.columns());
    RowView dOut = dy.asRows(dy.rows(), dy.columns());
    return new Bias(
        bias,
        new RowBlocks(
            context.engine(),
            y.rows(),
            (lane, row, sums) -> lane.rows().add(out, bias.vector(), 0, row, 0)),
        new RowBlocks(
            context.engine(),
            y.rows(),
            y.columns(),
            (lane, row, sums) -> lane.gradients().addTo(dOut, sums, 0, 0, row, 0)));
  }

  /** x -> every y. */
  public void forward() {
    forward.run();
    for (int i = 0; i < biases.size(); i++) {
      biases.get(i).add().run();
    }
  }

  /** Every dy -> dx; gradients of weights and biases are added. */
  public void backward() {
    for (int i = 0; i < biases.size(); i++) {
      biases.get(i).gradient().run(biases.get(i).bias().vectorGradient(), 0);
    }
    backward.run();
  }

  /** Adds the gradients of weights, where x came later. */
  public void backwardWeights() {
    if (laterX) {
      ofWeights.run();
    }
  }
}
