package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;

/** Rows rounded to bf16, so that both operands of a product are. */
public final class Bf16Input implements PreparedInput {
  /** Names this form. */
  public static final InputForm FORM =
      (context, x) -> new Bf16Input(context.owner(), context.scratch(), (Fp32Tile) x);

  private static final int BLOCK = 64;

  private final Fp32Tile tile;
  private final BytePointer data;
  private final Product[] copies;

  Bf16Input(Arena arena, ScratchTiles scratch, Fp32Tile tile) {
    this.tile = tile;
    long rowBytes = 2L * tile.columns();
    data = scratch.block(rowBytes * tile.rows());
    copies = new Product[(tile.rows() + BLOCK - 1) / BLOCK];
    for (int i = 0; i < copies.length; i++) {
      int from = i * BLOCK;
      int rows = Math.min(BLOCK, tile.rows() - from);
      OneDnn.Matrix wide =
          OneDnn.Matrix.of((Fp32Tile) tile.part(from, rows, 0, tile.columns()), false);
      BytePointer part = Arena.window(data, from * rowBytes, rows * rowBytes);
      OneDnn.Matrix narrow = new OneDnn.Matrix(part, rows, tile.columns(), tile.columns(), 1);
      copies[i] =
          OneDnn.copy(
              arena,
              arena.own(new memory(wide.desc(OneDnn.F32), OneDnn.cpu(), wide.data())),
              arena.own(new memory(narrow.desc(OneDnn.BF16), OneDnn.cpu(), part)));
    }
  }

  /** Returns the narrow rows, dense. */
  OneDnn.Matrix matrix() {
    return new OneDnn.Matrix(data, tile.rows(), tile.columns(), tile.columns(), 1);
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
