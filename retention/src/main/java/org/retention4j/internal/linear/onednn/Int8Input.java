package org.retention4j.internal.linear.onednn;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.Int8;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.ScratchTiles;

/**
 * Rows rounded to 8-bit integers with one factor per row, its largest magnitude over 127. A row
 * that is not finite gets a factor that is not, which carries it through the product.
 */
public final class Int8Input implements PreparedInput {
  /** Names this form. */
  public static final InputForm FORM =
      (context, x) -> new Int8Input(context.scratch(), (Fp32Tile) x);

  private static final int BLOCK = 16;

  private final Fp32Tile tile;
  private final BytePointer data;
  private final ByteBuffer bytes;
  private final float[] factors;

  Int8Input(ScratchTiles scratch, Fp32Tile tile) {
    this.tile = tile;
    data = scratch.block((long) tile.rows() * tile.columns());
    bytes = data.asByteBuffer();
    factors = new float[tile.rows()];
  }

  /** Returns the narrow rows, dense. */
  OneDnn.Matrix matrix() {
    return new OneDnn.Matrix(data, tile.rows(), tile.columns(), tile.columns(), 1);
  }

  /** Returns what row i's integers are to be multiplied with. */
  float factor(int row) {
    return factors[row];
  }

  @Override
  public Tile tile() {
    return tile;
  }

  @Override
  public int parts() {
    return (tile.rows() + BLOCK - 1) / BLOCK;
  }

  @Override
  public void run(Lane lane, int part) {
    int end = Math.min(tile.rows(), (part + 1) * BLOCK);
    for (int i = part * BLOCK; i < end; i++) {
      factors[i] = quantise(((ScratchLane) lane).scratch(), i);
    }
  }

  private float quantise(LaneScratch scratch, int i) {
    int n = tile.columns();
    byte[] narrow = scratch.bytes(n);
    float[] x = scratch.row(n);
    tile.read(i, x, n);
    float factor = Int8.round(x, n, narrow);
    bytes.put(i * n, narrow, 0, n);
    return factor;
  }
}
