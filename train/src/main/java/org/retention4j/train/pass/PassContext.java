package org.retention4j.train.pass;

import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/**
 * What passes are bound with. Row b·T+t of a tile is token t of row b.
 *
 * @param engine computes
 * @param owner owns products and whatever lives as long as the passes
 * @param kept gives tiles that are written forwards and read on the way back
 * @param shared gives tiles that mean nothing outside one call of a pass of a layer: layers have
 *     the same ones
 * @param batch B
 * @param tokens T
 * @param groups micro-batches of a step, each of which has streams of its own
 * @param form in which retention is computed
 * @param bf16Products whether operands of {@link #products} are rounded to bf16; of an engine that
 *     multiplies them
 */
public record PassContext(
    Engine engine,
    Buffers owner,
    Scratch kept,
    Scratch shared,
    int batch,
    int tokens,
    int groups,
    RetentionForm form,
    boolean bf16Products) {
  /** Returns B·T. */
  public int rows() {
    return batch * tokens;
  }

  /**
   * Returns a tile (B·T,columns) that {@link #products} read, and rows are written to once: where
   * operands are rounded they are rounded then, and nothing is copied.
   */
  public Tile operand(Scratch scratch, int columns) {
    return bf16Products
        ? TileProducts.bfloat16Tile(engine, scratch, rows(), columns)
        : scratch.tile(rows(), columns);
  }

  /** Returns what takes the place of a tile for that, which is nobody's any more: itself or one. */
  public Tile operandFor(Tile tile) {
    return bf16Products ? operand(shared, tile.columns()) : tile;
  }

  /** Begins products of weights with other tiles, for all lanes. */
  public TileProducts products() {
    return bf16Products
        ? TileProducts.bfloat16(engine, owner, shared)
        : new TileProducts(engine, owner);
  }
}
