package org.retention4j.engine;

import java.util.Arrays;

/**
 * Rows on the heap as {@link PairedKernels} reads them: a single one, or fours of them, the last
 * four filled up with zeros. Inputs are filled up with zeros as the weights' are.
 */
final class HeapRows implements Operand {
  /** Rows that are multiplied at once. */
  static final int FOUR = 4;

  private final Float32Tile tile;
  private final int inputs;
  private final float[][] fours;

  HeapRows(Float32Tile tile) {
    this.tile = tile;
    inputs = HeapPacked.padded(tile.columns());
    fours = single() ? new float[0][] : new float[(tile.rows() + FOUR - 1) / FOUR][FOUR * inputs];
  }

  boolean single() {
    return tile.rows() == 1;
  }

  /** Copies the single row to a lane's room: cheaper there than once, for all to wait for. */
  float[] single(Float32Lane lane) {
    float[] row = lane.parts().input(inputs);
    tile.read(0, row, tile.columns());
    Arrays.fill(row, tile.columns(), inputs, 0f);
    return row;
  }

  /** Returns rows 4i…4i+3, one after the other. */
  float[] four(int i) {
    return fours[i];
  }

  int fours() {
    return fours.length;
  }

  @Override
  public Kind kind() {
    return Kind.ROWS;
  }

  @Override
  public Tile tile() {
    return tile;
  }

  @Override
  public int parts() {
    return fours.length;
  }

  @Override
  public void run(Lane lane, int part) {
    int count = Math.min(FOUR, tile.rows() - part * FOUR);
    for (int r = 0; r < count; r++) {
      tile.read(part * FOUR + r, 0, fours[part], r * inputs, tile.columns());
    }
  }
}
