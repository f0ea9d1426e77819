package org.retention4j.internal.float32;

import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Bf16Operand;
import org.retention4j.internal.memory.Fp32Tile;

/** The same with operands of products in bf16, and sums and results in fp32. */
final class Bf16Tiles extends Fp32Tiles {
  private final Bf16Operand.Room room;

  Bf16Tiles(Arena arena, Kernels kernels) {
    super(arena, kernels);
    room = new Bf16Operand.Room(kernels);
  }

  @Override
  public TileOps bfloat16() {
    return this;
  }

  @Override
  public Tile operand(int rows, int columns) {
    return Bf16Operand.allocate(arena, rows, columns, room);
  }

  @Override
  public Tile result(Tile operand) {
    return tile(operand.rows(), operand.columns());
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return OneDnn.product(
        arena,
        OneDnn.BF16,
        OneDnn.Matrix.of(((Bf16Operand) a).elements(), transposeA),
        OneDnn.Matrix.of(((Bf16Operand) b).elements(), transposeB),
        OneDnn.Matrix.of((Fp32Tile) c, false),
        accumulate);
  }
}
