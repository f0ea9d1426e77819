package org.retention4j.train.pass;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.stack.FeedForward;

/**
 * A feed-forward bound to its input and output tiles: y = h·W_downᵀ + b with h = f(g) ⊙ u, or h =
 * f(u) where it is plain. What f is applied to, g and u (B·T,I), is kept; u may be lost on the way
 * back, where h is computed once more.
 */
public final class FeedForwardPass {
  private final Activation f;

  private final Linears inputs;
  private final Linears down;

  /** None where it is plain. */
  private final RowView g;

  private final RowView u;
  private final RowView h;
  private final RowView dh;

  /** On the way back: dg takes the place of dh, and du that of u, unless they are rounded. */
  private final RowView dg;

  private final RowView du;
  private final RowBlocks hidden;
  private final RowBlocks hiddenBack;

  /**
   * Binds.
   *
   * @param prefix of the names of its parameters
   */
  public FeedForwardPass(
      PassContext context,
      FeedForward.Shape shape,
      Parameters parameters,
      String prefix,
      Ends ends) {
    f = shape.activation();
    int width = shape.hidden();
    Tile upTile = context.kept().tile(context.rows(), width);
    Tile hTile = context.operand(context.shared(), width);
    Tile dhTile = context.shared().tile(context.rows(), width);
    u = upTile.asRows(context.rows(), width);
    h = hTile.asRows(context.rows(), width);
    dh = dhTile.asRows(context.rows(), width);
    Parameter wUp = parameters.get(prefix + "up");
    Parameter upBias = parameters.find(prefix + "up bias");
    inputs = new Linears(context, ends.x(), ends.dx());
    if (shape.gated()) {
      Tile gateTile = context.kept().tile(context.rows(), width);
      g = gateTile.asRows(context.rows(), width);
      Parameter gateBias = parameters.find(prefix + "gate bias");
      // What biases get is summed of fp32.
      Tile dgTile = gateBias == null ? context.operandFor(dhTile) : dhTile;
      Tile duTile = upBias == null ? context.operandFor(upTile) : upTile;
      dg = dgTile.asRows(context.rows(), width);
      du = duTile.asRows(context.rows(), width);
      inputs.add(parameters.get(prefix + "gate"), gateBias, gateTile, dgTile);
      inputs.add(wUp, upBias, upTile, duTile);
    } else {
      g = null;
      dg = null;
      du = null;
      inputs.add(wUp, upBias, upTile, dhTile);
    }
    down =
        new Linears(context, hTile, dhTile, shape.gated())
            .add(
                parameters.get(prefix + "down"),
                parameters.find(prefix + "down bias"),
                ends.y(),
                ends.dy());
    hidden = RowBlocks.ofBlocks(context.engine(), context.rows(), 0, this::hidden);
    hiddenBack = RowBlocks.ofBlocks(context.engine(), context.rows(), 0, this::hiddenBack);
  }

  /** x (B·T,D) -> y (B·T,D); keeps what {@link #backward} needs. */
  public void forward() {
    inputs.forward();
    hidden.run();
    down.forward();
  }

  /** dy -> dx, which is overwritten; gradients of parameters are added. Once behind a way forth. */
  public void backward() {
    if (g == null) {
      hidden.run();
    }
    down.backward();
    hiddenBack.run();
    down.backwardWeights();
    inputs.backward();
  }

  private void hidden(Lane lane, int from, int count, double[] sums) {
    if (g != null) {
      lane.gradients().gate(g, f, u, h, 0, from, count, 0);
    } else {
      lane.gradients().activate(u, f, h, 0, from, count, 0);
    }
  }

  private void hiddenBack(Lane lane, int from, int count, double[] sums) {
    if (g != null) {
      lane.gradients().gateBack(g, f, u, h, dh, dg, du, 0, from, count, 0);
    } else {
      lane.gradients().activateBack(u, f, dh, 0, from, count, 0);
    }
  }
}
