package org.retention4j.nn;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;

/**
 * What becomes of the rows of a projection after its product, head by head: n( f( row + bias ) ).
 *
 * @since 0.1
 */
public final class ProjectedRows {
  private static final double[] NONE = {};

  private final RowView rows;
  private final double[][] bias;
  private final Activation map;
  private final double[] norm;
  private final double eps;

  private ProjectedRows(RowView rows, double[][] bias, Activation map, double[] norm, double eps) {
    this.rows = rows;
    this.bias = bias;
    this.map = map;
    this.norm = norm;
    this.eps = eps;
  }

  /**
   * Binds rows to what is done to them.
   *
   * @param rows (B,N,H,W)
   * @param bias (H·W), empty for none
   * @param map f, where a bias comes before it; otherwise {@link #fused} does it in the product
   */
  public static ProjectedRows of(RowView rows, double[] bias, Activation map) {
    return new ProjectedRows(rows, byHead(bias, rows.width()), fused(bias, map, true), NONE, 0);
  }

  /** Returns these rows with an RMSNorm over each; {@code weight} (W), empty for none. */
  public ProjectedRows normed(double[] weight, double eps) {
    return new ProjectedRows(rows, bias, map, weight, eps);
  }

  /** Returns the function that the product itself can apply: f where there is no bias. */
  public static Activation fused(double[] bias, Activation map) {
    return fused(bias, map, false);
  }

  private static Activation fused(double[] bias, Activation map, boolean after) {
    return bias.length > 0 == after ? map : Activation.NONE;
  }

  /** Cuts a vector over all heads into one for each. */
  public static double[][] byHead(double[] all, int width) {
    double[][] heads = new double[all.length / width][width];
    for (int h = 0; h < heads.length; h++) {
      System.arraycopy(all, h * width, heads[h], 0, width);
    }
    return heads;
  }

  /** Returns whether there is anything to do. */
  public boolean active() {
    return bias.length > 0 || norm.length > 0;
  }

  /** Does it to one row. */
  public void finish(Lane lane, int batch, int token, int head) {
    if (bias.length > 0) {
      lane.rows().add(rows, bias[head], batch, token, head);
    }
    if (map != Activation.NONE) {
      lane.rows().activate(rows, map, batch, token, head);
    }
    if (norm.length > 0) {
      lane.rows().rmsNorm(rows, 1, norm, eps, rows, batch, token, head);
    }
  }
}
