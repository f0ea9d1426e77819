package org.retention4j.train.data;

/**
 * Random numbers that are counted and not drawn: each is a function of a seed and of what it is
 * for, so that nothing has to be drawn before it and nothing kept.
 */
final class Counter {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private static final int ROUNDS = 4;

  private Counter() {}

  /** Returns 64 bits for a seed, a purpose and two counts. */
  static long bits(long seed, long purpose, long first, long second) {
    long mixed = mix(seed + GOLDEN);
    mixed = mix(mixed ^ (purpose + 1) * GOLDEN);
    mixed = mix(mixed ^ (first + 2) * GOLDEN);
    return mix(mixed ^ (second + 3) * GOLDEN);
  }

  /** Returns a number in 0…1, without 1. */
  static double unit(long bits) {
    return (bits >>> 11) * 0x1.0p-53;
  }

  /** Returns a number in 0…bound−1; what division leaves uneven is far below 2^−20. */
  static long below(long bits, long bound) {
    return (long) (unit(bits) * bound);
  }

  /**
   * Returns where a permutation of 0…count−1 takes an index: a Feistel network over the next even
   * power of two, walked until it comes back into the range.
   *
   * @param key chooses the permutation
   */
  static long permuted(long key, long count, long index) {
    int half = Math.max(1, (65 - Long.numberOfLeadingZeros(count - 1)) / 2);
    long mask = (1L << half) - 1;
    long at = index;
    do {
      long left = at >>> half;
      long right = at & mask;
      for (int round = 0; round < ROUNDS; round++) {
        long next = left ^ (mix(key ^ mix(right + round * GOLDEN + GOLDEN)) & mask);
        left = right;
        right = next;
      }
      at = left << half | right;
    } while (at >= count);
    return at;
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
  private static long mix(long bits) {
    long z = bits;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
