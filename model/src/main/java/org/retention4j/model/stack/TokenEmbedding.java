package org.retention4j.model.stack;

import java.util.Optional;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.RowView;
import org.retention4j.nn.WeightSpec;

/**
 * The beginning of a decoder: the embedding table, a scale, and a norm or none. Immutable.
 *
 * @since 0.1
 */
public final class TokenEmbedding implements AutoCloseable {
  private final RowTable table;
  private final double scale;
  private final double[] norm;
  private final double eps;

  /**
   * Takes over the table and closes it when it is closed.
   *
   * @param table (vocabulary, D)
   * @param scale what rows are multiplied with
   * @param norm (D) weight of the norm behind it, empty without
   * @param eps of the norm
   */
  public TokenEmbedding(RowTable table, double scale, Optional<double[]> norm, double eps) {
    this.table = table;
    this.scale = scale;
    this.norm =
        norm.map(w -> WeightSpec.norm("embedding norm", table.columns()).check(w).clone())
            .orElse(null);
    this.eps = eps;
  }

  /** Returns the table, which stays the embedding's. */
  public RowTable table() {
    return table;
  }

  /** Returns the weight (D) of the norm behind the table, empty without; not to be changed. */
  public Optional<double[]> norm() {
    return Optional.ofNullable(norm);
  }

  void embed(Lane lane, int token, RowView to, int b, int t) {
    lane.rows().embed(table, token, scale, to, b, t);
    if (norm != null) {
      lane.rows().rmsNorm(to, 1, norm, eps, to, b, t, 0);
    }
  }

  @Override
  public void close() {
    table.close();
  }
}
