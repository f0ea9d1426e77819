package org.retention4j.train.pass;

import java.util.List;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.nn.Norm;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.NormKind;
import org.retention4j.nn.WeightSpec;

/** A norm over the channels of rows with weights that change, and back. */
public final class NormPass {
  private static final double[] NONE = {};

  private final NormConfig config;
  private final Parameter weight;
  private final Parameter bias;
  private final double eps;
  private Norm norm;

  /**
   * Binds what {@link Norm#weights} asks for.
   *
   * @param name of the weight, behind a prefix
   */
  public NormPass(
      NormConfig config, Parameters parameters, String prefix, String name, double eps) {
    this.config = config;
    this.eps = eps;
    weight = parameters.get(prefix + name);
    List<WeightSpec> asked = Norm.weights(config, name, weight.columns());
    bias = asked.size() > 1 ? parameters.get(prefix + asked.get(1).name()) : null;
  }

  /** Returns whether rows are written once: what they are rounded to is not read again then. */
  public boolean writesOnce() {
    return config.kind() == NormKind.RMS && bias == null;
  }

  /** Takes the weights as they are now, before rows are normed. */
  public void begin() {
    norm = new Norm(config.kind(), weight.vector(), bias == null ? NONE : bias.vector(), eps);
  }

  /** out ← norm of x, for some rows. */
  public void forward(Lane lane, RowView x, RowView out, int from, int count) {
    norm.run(lane, x, out, 0, from, count, 0);
  }

  /** Returns how many sums {@link #backward} adds to. */
  public int sums() {
    return weight.columns() + (bias == null ? 0 : bias.columns());
  }

  /** dx ← dx + the gradient of x, or dx ← it, for some rows. */
  public void backward(
      Lane lane,
      RowView x,
      RowView dy,
      RowView dx,
      boolean add,
      double[] sums,
      int from,
      int count) {
    for (int row = from; bias != null && row < from + count; row++) {
      lane.gradients().addTo(dy, sums, weight.columns(), 0, row, 0);
    }
    boolean centered = config.kind() == NormKind.LAYER;
    lane.gradients()
        .normBack(x, 1, centered, norm.weight(), eps, dy, dx, add, sums, 0, 0, from, count, 0);
  }

  /** Adds what {@link #backward} summed to the gradients of weight and bias. */
  public void end(RowBlocks blocks) {
    blocks.add(weight.vectorGradient(), 0);
    if (bias != null) {
      blocks.add(bias.vectorGradient(), weight.columns());
    }
  }
}
