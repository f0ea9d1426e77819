package org.retention4j.train.pass.attention;

import java.util.stream.IntStream;

/**
 * The blocks into which the keys fall that a block of queries sees, and the numbers of blocks that
 * a lane has products for: some more than are needed, such that there are few.
 */
public final class KeyBlocks {
  /** Queries, and keys of a block. */
  public static final int BLOCK = 64;

  private KeyBlocks() {}

  /**
   * Returns how many blocks hold the keys that a block of queries sees at most.
   *
   * @param tokens T of a row
   * @param window how many tokens a token sees at most, itself included
   */
  public static int most(int tokens, int window) {
    return (int) ((Math.min(tokens, (long) window + BLOCK - 1) + BLOCK - 1) / BLOCK);
  }

  /** Returns a number of blocks or somewhat more. */
  public static int rounded(int blocks) {
    int step = Math.max(1, Integer.highestOneBit(blocks) / 4);
    return (blocks + step - 1) / step * step;
  }

  /** Returns the numbers of blocks that there are products for, where so many are needed. */
  public static int[] prepared(int most) {
    return IntStream.rangeClosed(1, most).map(KeyBlocks::rounded).distinct().toArray();
  }
}
