package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/**
 * y ← f(x·Gᵀ) ⊙ (x·Uᵀ), part by part, so that what is multiplied still lies in the cache and no
 * lane waits for it.
 */
final class GatedMatMul implements MatMul {
  private final MatMul gate;
  private final MatMul up;
  private final RowView[] gateRows;
  private final RowView[] upRows;
  private final int[] rows;

  /**
   * Joins two products of the same parts.
   *
   * @param gate y ← f(x·Gᵀ)
   * @param up x·Uᵀ
   */
  GatedMatMul(MatMul gate, MatMul up) {
    if (gate.parts() != up.parts()) {
      throw new IllegalArgumentException(
          "expected as many parts of both, got " + gate.parts() + " and " + up.parts());
    }
    this.gate = gate;
    this.up = up;
    gateRows = new RowView[gate.parts()];
    upRows = new RowView[gate.parts()];
    rows = new int[gate.parts()];
    for (int i = 0; i < gateRows.length; i++) {
      rows[i] = gate.result(i).rows();
      gateRows[i] = rows(gate.result(i));
      upRows[i] = rows(up.result(i));
    }
  }

  private static RowView rows(Tile tile) {
    return tile.asRows(tile.rows(), tile.columns());
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
      lane.rows().multiply(gateRows[part], upRows[part], 0, t, 0);
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
