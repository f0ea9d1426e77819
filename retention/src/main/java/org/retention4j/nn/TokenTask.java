package org.retention4j.nn;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;

/**
 * Something done for each token of each row of a batch, in blocks of tokens which the lanes share
 * out. Bound once; running it allocates nothing.
 *
 * @since 0.1
 */
public final class TokenTask {
  private static final int BLOCK = 16;

  /** What is done for a token. */
  @FunctionalInterface
  public interface Each {
    /** Runs it for token {@code token} of row {@code row}. */
    void run(Lane lane, int row, int token);
  }

  private final Lanes lanes;
  private final Each each;
  private final Lanes.Task block = this::block;
  private int blocks;
  private int[] counts;

  /** Binds it. */
  public TokenTask(Lanes lanes, Each each) {
    this.lanes = lanes;
    this.each = each;
  }

  /**
   * Runs it for the first tokens of each row.
   *
   * @param counts (B) tokens of each row
   */
  public void run(int[] counts) {
    int longest = 0;
    for (int count : counts) {
      longest = Math.max(longest, count);
    }
    this.counts = counts;
    blocks = (longest + BLOCK - 1) / BLOCK;
    lanes.run(counts.length * blocks, block);
  }

  private void block(Lane lane, int index) {
    int row = index / blocks;
    int first = index % blocks * BLOCK;
    for (int t = first; t < Math.min(counts[row], first + BLOCK); t++) {
      each.run(lane, row, t);
    }
  }
}
