package org.retention4j.bench.suite;

import java.util.List;

/**
 * How much is measured.
 *
 * @param lengths tokens of the prefills
 * @param depths positions at which tokens are decoded
 * @param repeats timed runs of a prefill that takes less than seconds
 * @param leastRepeats even when time runs out
 * @param ceilingRepeats timed runs of each way to a ceiling
 * @param folds samples of each decoder, each a whole fold
 * @param pairs interleaved pairs for the flatness
 * @param allocationSteps steps over which allocation is counted
 * @param warmUpSeconds at most, for each set of contenders
 * @param seconds that the whole run should take at most on two cores
 */
public record Effort(
    List<Integer> lengths,
    List<Integer> depths,
    int repeats,
    int leastRepeats,
    int ceilingRepeats,
    int folds,
    int pairs,
    int allocationSteps,
    double warmUpSeconds,
    double seconds) {
  /** Takes less than three minutes on two cores. */
  public static final Effort FULL =
      new Effort(
          List.of(512, 2048, 8192),
          List.of(0, 512, 2048, 8192, 32768),
          5,
          3,
          5,
          5,
          200,
          1000,
          2,
          172);

  /** Takes less than one minute. */
  public static final Effort QUICK =
      new Effort(List.of(512, 2048), List.of(0, 512, 2048, 8192), 2, 1, 2, 2, 60, 1000, 0.5, 52);

  /** Returns whether this is the short run. */
  public boolean quick() {
    return this == QUICK;
  }
}
