package org.retention4j.bench.whole;

/**
 * How much is measured of a whole model.
 *
 * @param folds whole folds of decoders' buffers that are timed
 * @param prompts timed prompts
 * @param prompt tokens of a prompt
 * @param readBytes read for the bandwidth
 * @param warmUpSeconds at most, for each set of contenders
 * @param far position at which latency is held to that at position 100
 * @param depth of the caches
 */
record WholeEffort(
    int folds, int prompts, int prompt, long readBytes, double warmUpSeconds, int far, int depth) {
  /** The buffer of a decoder is folded once in so many steps. */
  static final int FOLD = 16;

  /** All figures at their full size. */
  static final WholeEffort FULL = new WholeEffort(5, 7, 512, 1L << 29, 8, 1_000_000, 8192);

  /** The same with fewer repeats. */
  static final WholeEffort QUICK = new WholeEffort(2, 3, 512, 1L << 29, 4, 1_000_000, 8192);
}
