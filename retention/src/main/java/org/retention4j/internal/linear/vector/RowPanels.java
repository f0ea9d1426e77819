package org.retention4j.internal.linear.vector;

import java.util.Arrays;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.linear.InputForm;
import org.retention4j.internal.linear.PreparedInput;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * Rows on the heap as the products with {@link VectorWeights} read them: a single one, or fours of
 * them side by side, which are read twice as fast as from rows of their own; the last four filled
 * up with zeros. Inputs are filled up with zeros as the weights' are. Rows for {@link
 * Int8VectorWeights} are prepared, see {@link Int8Kernel}.
 */
final class RowPanels implements PreparedInput {
  /** Names this form. */
  static final InputForm FORM = (context, x) -> new RowPanels((Fp32Tile) x, false);

  /** Names this form, prepared for integers. */
  static final InputForm INT8_FORM = (context, x) -> new RowPanels((Fp32Tile) x, true);

  private static final int FOUR = VectorGeometry.FOUR;

  private final Fp32Tile tile;
  private final boolean forIntegers;
  private final int inputs;
  private final float[][] fours;

  RowPanels(Fp32Tile tile, boolean forIntegers) {
    this.tile = tile;
    this.forIntegers = forIntegers;
    // A multiple of what any of the weights fill up to.
    inputs =
        (tile.columns() + Int8VectorWeights.INPUTS - 1)
            / Int8VectorWeights.INPUTS
            * Int8VectorWeights.INPUTS;
    fours = single() ? new float[0][] : new float[(tile.rows() + FOUR - 1) / FOUR][FOUR * inputs];
  }

  boolean single() {
    return tile.rows() == 1;
  }

  /** Copies the single row to a lane's room: cheaper there than once, for all to wait for. */
  float[] single(LaneScratch scratch) {
    return row(scratch, 0);
  }

  private float[] row(LaneScratch scratch, int i) {
    float[] row = scratch.input(inputs + 1);
    tile.read(i, row, tile.columns());
    Arrays.fill(row, tile.columns(), inputs + 1, 0f);
    if (forIntegers) {
      Int8Kernel.prepare(row, inputs);
    }
    return row;
  }

  /** Returns the rows, four by four: an input's four elements, then those of the next. */
  float[][] fours() {
    return fours;
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
      float[] row = row(((ScratchLane) lane).scratch(), part * FOUR + r);
      for (int i = 0; i < inputs; i++) {
        four[FOUR * i + r] = row[i];
      }
    }
  }
}
