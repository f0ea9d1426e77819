package org.retention4j.engine;

import java.util.Arrays;

/**
 * Rows on the heap as the products with {@link HeapMatrix} read them: a single one, or fours of
 * them side by side, which are read twice as fast as from rows of their own; the last four filled
 * up with zeros. Inputs are filled up with zeros as the weights' are. Rows for {@link HeapInt8} are
 * prepared, see {@link Int8Kernels}.
 */
final class HeapRows implements Operand {
  /** Rows that are multiplied at once. */
  static final int FOUR = 4;

  private final Float32Tile tile;
  private final Kind kind;
  private final int inputs;
  private final float[][] fours;

  /** The kind says whether the rows are prepared for integers. */
  HeapRows(Float32Tile tile, Kind kind) {
    this.tile = tile;
    this.kind = kind;
    // A multiple of what any of the weights fill up to.
    inputs = (tile.columns() + HeapInt8.INPUTS - 1) / HeapInt8.INPUTS * HeapInt8.INPUTS;
    fours = single() ? new float[0][] : new float[(tile.rows() + FOUR - 1) / FOUR][FOUR * inputs];
  }

  boolean single() {
    return tile.rows() == 1;
  }

  /** Copies the single row to a lane's room: cheaper there than once, for all to wait for. */
  float[] single(Float32Lane lane) {
    return row(lane, 0);
  }

  private float[] row(Float32Lane lane, int i) {
    float[] row = lane.parts().input(inputs + 1);
    tile.read(i, row, tile.columns());
    Arrays.fill(row, tile.columns(), inputs + 1, 0f);
    if (kind == Kind.INT8_ROWS) {
      Int8Kernels.prepare(row, inputs);
    }
    return row;
  }

  /** Returns the rows, four by four: an input's four elements, then those of the next. */
  float[][] fours() {
    return fours;
  }

  @Override
  public Kind kind() {
    return kind;
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
    float[] four = fours[part];
    for (int r = 0; r < count; r++) {
      float[] row = row((Float32Lane) lane, part * FOUR + r);
      for (int i = 0; i < inputs; i++) {
        four[FOUR * i + r] = row[i];
      }
    }
  }
}
