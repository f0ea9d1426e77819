package org.retention4j.engine;

import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;

/**
 * Rows as exact sums of three bf16 terms of 8 bits each: products of bf16 with bf16, which stream
 * bf16 weights fastest, then lose nothing of fp32 activations. Terms too small for a normal number
 * count as 0.
 */
final class Bfloat16Terms implements Operand {
  static final int TERMS = 3;

  private static final int BLOCK = 1024;

  private final Float32Tile tile;
  private final BytePointer data;
  private final ShortBuffer terms;
  private final int blocksPerRow;

  Bfloat16Terms(Scratch scratch, Float32Tile tile) {
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
  public Kind kind() {
    return Kind.TERMS;
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
    ((Float32Lane) lane).parts().split(tile, row, from, count, terms);
  }
}
