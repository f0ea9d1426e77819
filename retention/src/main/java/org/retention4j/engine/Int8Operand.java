package org.retention4j.engine;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;

/**
 * Rows rounded to 8-bit integers with one factor per row, its largest magnitude over 127. A row
 * that is not finite gets a factor that is not, which carries it through the product.
 */
final class Int8Operand implements Operand {
  private static final int BLOCK = 16;

  private final Float32Tile tile;
  private final BytePointer data;
  private final ByteBuffer bytes;
  private final float[] factors;

  Int8Operand(Scratch scratch, Float32Tile tile) {
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
  public Kind kind() {
    return Kind.INT8;
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
      factors[i] = ((Float32Lane) lane).parts().quantise(tile, i, bytes);
    }
  }
}
