package org.retention4j.engine;

/**
 * y ← f(x·Gᵀ) ⊙ (x·Uᵀ), part by part, so that what is multiplied still lies in the cache and no
 * lane waits for it.
 */
final class GatedProjection implements Projection {
  private final Projection gate;
  private final Projection up;
  private final Rows[] gated;
  private final Rows[] raised;
  private final int[] rows;

  /**
   * Joins two projections of the same parts.
   *
   * @param gate y ← f(x·Gᵀ)
   * @param up x·Uᵀ
   */
  GatedProjection(Projection gate, Projection up) {
    if (gate.parts() != up.parts()) {
      throw new IllegalArgumentException(
          "expected as many parts of both, got " + gate.parts() + " and " + up.parts());
    }
    this.gate = gate;
    this.up = up;
    gated = new Rows[gate.parts()];
    raised = new Rows[gate.parts()];
    rows = new int[gate.parts()];
    for (int i = 0; i < gated.length; i++) {
      rows[i] = gate.result(i).rows();
      gated[i] = rows(gate.result(i));
      raised[i] = rows(up.result(i));
    }
  }

  private static Rows rows(Tile tile) {
    return Rows.of(tile, tile.rows(), tile.columns());
  }

  @Override
  public int parts() {
    return gate.parts();
  }

  @Override
  public void run(Lane lane, int part) {
    gate.run(lane, part);
    up.run(lane, part);
    for (int t = 0; t < rows[part]; t++) {
      lane.multiply(gated[part], raised[part], 0, t, 0);
    }
  }

  @Override
  public Tile result(int part) {
    return gate.result(part);
  }

  @Override
  public String implementation() {
    return up.implementation();
  }
}
