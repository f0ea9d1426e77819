package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.memory;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Bf16Tile;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;

/** Rows rounded to bf16, so that both operands of a product are. */
public final class Bf16Input implements PreparedInput {
  /** Names this form. */
  public static final InputForm FORM =
      (context, x) -> new Bf16Input(context.owner(), context.scratch(), (Fp32Tile) x);

  private static final int BLOCK = 64;

  private final Fp32Tile tile;
  private final Bf16Tile rounded;
  private final Product[] copies;

  Bf16Input(Arena arena, ScratchTiles scratch, Fp32Tile tile) {
    this.tile = tile;
    rounded = Bf16Tile.of(scratch, tile.rows(), tile.columns());
    copies = new Product[(tile.rows() + BLOCK - 1) / BLOCK];
    for (int i = 0; i < copies.length; i++) {
      int from = i * BLOCK;
      int rows = Math.min(BLOCK, tile.rows() - from);
      Fp32Tile wide = (Fp32Tile) tile.part(from, rows, 0, tile.columns());
      Bf16Tile narrow = (Bf16Tile) rounded.part(from, rows, 0, tile.columns());
      copies[i] =
          OneDnn.copy(
              arena,
              memory(arena, OneDnn.Matrix.of(wide, false), OneDnn.F32),
              memory(arena, OneDnn.Matrix.of(narrow, false), OneDnn.BF16));
    }
  }

  private static memory memory(Arena arena, OneDnn.Matrix matrix, memory.data_type type) {
    return arena.own(new memory(matrix.desc(type), OneDnn.cpu(), matrix.data()));
  }

  /** Returns the rounded rows, dense. */
  Bf16Tile rounded() {
    return rounded;
  }

  @Override
  public Tile tile() {
    return tile;
  }

  @Override
  public int parts() {
    return copies.length;
  }

  @Override
  public void run(Lane lane, int part) {
    copies[part].run();
  }
}
