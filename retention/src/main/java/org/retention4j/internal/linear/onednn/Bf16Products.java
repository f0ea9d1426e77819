package org.retention4j.internal.linear.onednn;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.LaneProduct;
import org.retention4j.internal.lanes.ProductMaker;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Bf16Tile;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;

/**
 * Products of tiles whose operands are rounded to bf16, unless they are of bf16, and whose sums are
 * fp32. oneDNN packs rounded operands as it goes: a layout of its own for either would be 4 %
 * faster.
 *
 * @param owner owns the native objects
 * @param scratch gives room for rounded operands
 */
public record Bf16Products(Arena owner, ScratchTiles scratch) implements ProductMaker {
  @Override
  public Operand operand(Tile tile) {
    if (tile instanceof Bf16Tile) {
      return new Itself(tile);
    }
    return new Rounded(new Bf16Input(owner, scratch, (Fp32Tile) tile));
  }

  @Override
  public LaneProduct make(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return TileProduct.of(
        owner,
        OneDnn.BF16,
        OneDnn.Matrix.of((Bf16Tile) a, transposeA),
        OneDnn.Matrix.of((Bf16Tile) b, transposeB),
        OneDnn.Matrix.of((Fp32Tile) c, false),
        accumulate);
  }

  private record Rounded(Bf16Input input) implements Operand {
    @Override
    public Tile elements() {
      return input.rounded();
    }

    @Override
    public int parts() {
      return input.parts();
    }

    @Override
    public void update(Lane lane, int part) {
      input.run(lane, part);
    }
  }
}
