package org.retention4j.internal.linear.onednn;

import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;

/**
 * Rows as exact sums of three bf16 terms of 8 bits each: products of bf16 with bf16, which stream
 * bf16 weights fastest, then lose nothing of fp32 activations. Terms too small for a normal number
 * count as 0.
 */
public final class SplitBf16Input implements PreparedInput {
  /** Names this form. */
  public static final InputForm FORM =
      (context, x) -> new SplitBf16Input(context.scratch(), (Fp32Tile) x);

  static final int TERMS = 3;

  private static final int BLOCK = 1024;

  private final Fp32Tile tile;
  private final BytePointer data;
  private final ShortBuffer terms;
  private final int blocksPerRow;

  SplitBf16Input(ScratchTiles scratch, Fp32Tile tile) {
    this.tile = tile;
    data = scratch.block((long) TERMS * Short.BYTES * tile.rows() * tile.columns());
    terms = data.asByteBuffer().asShortBuffer();
    blocksPerRow = (tile.columns() + BLOCK - 1) / BLOCK;
  }

  /** Returns the first terms of all rows, then the second, then the third, dense. */
  OneDnn.Matrix matrix() {
    return new OneDnn.Matrix(data, (long) TERMS * tile.rows(), tile.columns(), tile.columns(), 1);
  }

  @Override
  public Tile tile() {
    return tile;
  }

  @Override
  public int parts() {
    return tile.rows() * blocksPerRow;
  }

  @Override
  public void run(Lane lane, int part) {
    int row = part / blocksPerRow;
    int from = part % blocksPerRow * BLOCK;
    int count = Math.min(BLOCK, tile.columns() - from);
    split(((ScratchLane) lane).scratch(), row, from, count);
  }

  private void split(LaneScratch scratch, int i, int column, int count) {
    float[] x = scratch.row(count);
    short[] leading = scratch.shorts(count);
    tile.read(i, column, x, count);
    for (int term = 0; term < TERMS; term++) {
      Bfloat16.splitOff(x, leading, count);
      terms.put((term * tile.rows() + i) * tile.columns() + column, leading, 0, count);
    }
  }
}
