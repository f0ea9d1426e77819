package org.retention4j.engine;

/**
 * Rows on the heap as {@link PairedKernels} reads them: a single row as it is, more of them four
 * side by side, the last four filled up with zeros. Inputs are filled up with zeros as the weights'
 * are.
 */
final class HeapRows implements Operand {
  /** Rows that lie side by side. */
  static final int FOUR = 4;

  private static final int BLOCK = 512;

  private final Float32Tile tile;
  private final float[][] fours;
  private final int blocksPerFour;

  HeapRows(Float32Tile tile) {
    this.tile = tile;
    int inputs = HeapPacked.padded(tile.columns());
    fours =
        tile.rows() == 1
            ? new float[1][inputs]
            : new float[(tile.rows() + FOUR - 1) / FOUR][FOUR * inputs];
    blocksPerFour = tile.rows() == 1 ? 1 : (tile.columns() + BLOCK - 1) / BLOCK;
  }

  boolean single() {
    return tile.rows() == 1;
  }

  /** Returns rows 4i…4i+3, input j of row r at 4·j+r; or the single row. */
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
    return fours.length * blocksPerFour;
  }

  @Override
  public void run(Lane lane, int part) {
    if (single()) {
      tile.read(0, fours[0], tile.columns());
      return;
    }
    int four = part / blocksPerFour;
    int from = part % blocksPerFour * BLOCK;
    int count = Math.min(BLOCK, tile.columns() - from);
    float[] x = ((Float32Lane) lane).parts().sums(count);
    for (int r = 0; r < Math.min(FOUR, tile.rows() - four * FOUR); r++) {
      tile.read(four * FOUR + r, from, x, count);
      for (int i = 0; i < count; i++) {
        fours[four][(from + i) * FOUR + r] = x[i];
      }
    }
  }
}
