package org.retention4j.train.pass;

import java.util.Arrays;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;

/**
 * Something done for all rows of tiles, in blocks of rows which the lanes share out, with sums over
 * rows in double: a block's own first, then block after block, so that they do not depend on the
 * number of lanes.
 */
public final class RowBlocks {
  /** Rows of a block, at most. */
  public static final int BLOCK = 64;

  /** No sums. */
  public static final double[] NONE = {};

  private final Lanes lanes;
  private final int rows;
  private final Block block;
  private final double[][] sums;
  private final Lanes.Task task = this::run;

  /** What is done for a row. */
  @FunctionalInterface
  public interface Each {
    /**
     * Runs it for row {@code row}.
     *
     * @param sums what it may add to
     */
    void run(Lane lane, int row, double[] sums);
  }

  /** What is done for some rows that follow each other. */
  @FunctionalInterface
  public interface Block {
    /**
     * Runs it for {@code count} rows from {@code from} on.
     *
     * @param sums what it may add to
     */
    void run(Lane lane, int from, int count, double[] sums);
  }

  private RowBlocks(Lanes lanes, int rows, int width, Block block) {
    this.lanes = lanes;
    this.rows = rows;
    this.block = block;
    sums = new double[(rows + BLOCK - 1) / BLOCK][width];
  }

  /**
   * Binds what is done row by row.
   *
   * @param width how many sums there are
   */
  public RowBlocks(Lanes lanes, int rows, int width, Each each) {
    this(
        lanes,
        rows,
        width,
        (Block)
            (lane, from, count, sums) -> {
              for (int row = from; row < from + count; row++) {
                each.run(lane, row, sums);
              }
            });
  }

  /** Binds what has no sums. */
  public RowBlocks(Lanes lanes, int rows, Each each) {
    this(lanes, rows, 0, each);
  }

  /** Binds what is done with many rows at once. */
  public static RowBlocks ofBlocks(Lanes lanes, int rows, int width, Block block) {
    return new RowBlocks(lanes, rows, width, block);
  }

  /** Runs it for all rows. */
  public void run() {
    lanes.run(sums.length, task);
  }

  /** Runs it for all rows and adds the sums from {@code from} on to something. */
  public void run(double[] to, int from) {
    run();
    add(to, from);
  }

  /** Adds the sums of the last run from {@code from} on to something. */
  public void add(double[] to, int from) {
    for (double[] part : sums) {
      for (int i = 0; i < to.length; i++) {
        to[i] += part[from + i];
      }
    }
  }

  private void run(Lane lane, int index) {
    Arrays.fill(sums[index], 0);
    int from = index * BLOCK;
    block.run(lane, from, Math.min(BLOCK, rows - from), sums[index]);
  }
}
