package org.retention4j.bench.measure;

import java.util.Arrays;

/**
 * Times of one contender.
 *
 * @param steps nanoseconds of each run, in order
 * @param group runs that make one sample: 1, or a whole fold of a decoder that buffers
 * @param collections garbage collections inside timed runs
 * @param load what else the machine did
 */
public record Samples(long[] steps, int group, long collections, MachineLoad load) {
  private static final double SETTLED = 0.1;

  /**
   * Checks that the runs make whole samples.
   *
   * @throws IllegalArgumentException if they do not
   */
  public Samples {
    if (group < 1 || steps.length == 0 || steps.length % group != 0) {
      throw new IllegalArgumentException(
          "expected whole samples of " + group + " runs, got " + steps.length + " runs");
    }
    steps = steps.clone();
  }

  @Override
  public long[] steps() {
    return steps.clone();
  }

  /** Returns the mean nanoseconds of a run, for each group. */
  public double[] values() {
    double[] values = new double[steps.length / group];
    for (int i = 0; i < values.length; i++) {
      values[i] = Arrays.stream(steps, i * group, (i + 1) * group).average().orElseThrow();
    }
    return values;
  }

  /** Returns the median of {@link #values()}. */
  public double median() {
    return Statistics.median(values());
  }

  /** Returns a quantile over single runs. */
  public double stepQuantile(double q) {
    return Statistics.quantile(Statistics.doubles(steps), q);
  }

  /** Returns whether the later half of the samples is as fast as the earlier half. */
  public boolean settled() {
    double[] values = values();
    int half = values.length / 2;
    if (half == 0) {
      return true;
    }
    double early = Statistics.median(Arrays.copyOf(values, half));
    double late =
        Statistics.median(Arrays.copyOfRange(values, values.length - half, values.length));
    return Math.abs(late - early) <= SETTLED * Math.max(early, late);
  }

  /** Returns the number of samples. */
  public int count() {
    return steps.length / group;
  }
}
