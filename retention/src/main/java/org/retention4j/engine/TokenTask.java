package org.retention4j.engine;

/**
 * Something done for each token of each row of a batch, in blocks of tokens which the lanes share
 * out. Bound once; running it allocates nothing.
 */
public final class TokenTask {
  private static final int BLOCK = 16;

  /** What is done for a token. */
  @FunctionalInterface
  public interface Each {
    /** Runs it for token {@code token} of row {@code row}. */
    void run(Lane lane, int row, int token);
  }

  private final Engine engine;
  private final Each each;
  private final LaneTask block = this::block;
  private int blocks;
  private int[] counts;

  /** Binds it. */
  public TokenTask(Engine engine, Each each) {
    this.engine = engine;
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
    engine.run(counts.length * blocks, block);
  }

  private void block(Lane lane, int index) {
    int row = index / blocks;
    int first = index % blocks * BLOCK;
    for (int t = first; t < Math.min(counts[row], first + BLOCK); t++) {
      each.run(lane, row, t);
    }
  }
}
