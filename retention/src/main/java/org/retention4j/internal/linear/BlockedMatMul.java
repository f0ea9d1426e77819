package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.memory.Fp32Tile;

/** A product whose parts are blocks of outputs. */
final class BlockedMatMul implements MatMul {
  private final BlockedWeights weights;
  private final BlockMatMul[] parts;
  private final Fp32Tile[] results;

  /**
   * Binds.
   *
   * @param block outputs of a part, see {@link PackedWeights#blockOutputs}
   */
  BlockedMatMul(
      PlanContext context, PreparedInput x, BlockedWeights w, int block, Fp32Tile y, Activation f) {
    w.checkOpen();
    weights = w;
    parts = new BlockMatMul[(w.outputs() + block - 1) / block];
    results = new Fp32Tile[parts.length];
    for (int i = 0; i < parts.length; i++) {
      int from = i * block;
      int columns = Math.min(block, w.outputs() - from);
      results[i] = (Fp32Tile) y.part(0, y.rows(), from, columns);
      parts[i] = w.block(context, x, from, results[i], f);
    }
  }

  @Override
  public int parts() {
    return parts.length;
  }

  @Override
  public void run(Lane lane, int part) {
    weights.checkOpen();
    parts[part].run(((ScratchLane) lane).scratch());
  }

  @Override
  public Tile result(int part) {
    return results[part];
  }

  @Override
  public String implementation() {
    return parts[0].implementation();
  }
}
