package org.retention4j.nn;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/**
 * A norm over groups of the merged channels of a token, in place: gate ⊙ (weight ⊙ norm(factor·x) +
 * bias).
 *
 * @since 0.1
 */
public final class GroupedNorm {
  private static final double[] NONE = {};

  private final RowView rows;
  private final NormKind kind;
  private final double eps;

  /** None, one for all groups, or one for each. */
  private final double[][] weights;

  /** None, or one for each group. */
  private final double[][] biases;

  private final ProjectedRows gateFirst;
  private final RowView gate;

  /**
   * Binds a norm.
   *
   * @param x (B·N, C)
   * @param tokens N
   * @param groups G, divides C
   * @param norm its weight (C/G) for all groups, (C), or empty for none; its bias (C) or empty
   * @param gate (B·N, C), or null for none
   * @param gateFirst what is done to the rows of the gate before, by group
   */
  public GroupedNorm(
      Tile x, int tokens, int groups, Norm norm, RowView gate, ProjectedRows gateFirst) {
    int size = x.columns() / groups;
    rows = x.asRows(tokens, size);
    kind = norm.kind();
    eps = norm.eps();
    weights = ProjectedRows.byHead(norm.weight(), size);
    biases = ProjectedRows.byHead(norm.bias(), size);
    this.gate = gate;
    this.gateFirst = gateFirst;
  }

  /** Norms, and gates, one group of one token. */
  public void run(Lane lane, int batch, int token, int group, double factor) {
    if (gate != null) {
      gateFirst.finish(lane, batch, token, group);
    }
    if (kind == NormKind.LAYER) {
      lane.rows().center(rows, batch, token, group);
    }
    double[] weight = weight(group);
    if (gate != null && biases.length == 0) {
      lane.rows().gatedRmsNorm(rows, factor, weight, eps, gate, rows, batch, token, group);
      return;
    }
    lane.rows().rmsNorm(rows, factor, weight, eps, rows, batch, token, group);
    if (biases.length > 0) {
      lane.rows().add(rows, biases[group], batch, token, group);
    }
    if (gate != null) {
      lane.rows().multiply(rows, gate, batch, token, group);
    }
  }

  private double[] weight(int group) {
    return switch (weights.length) {
      case 0 -> NONE;
      case 1 -> weights[0];
      default -> weights[group];
    };
  }
}
