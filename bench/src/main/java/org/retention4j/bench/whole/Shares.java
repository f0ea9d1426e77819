package org.retention4j.bench.whole;

import java.util.List;
import java.util.Locale;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.measure.Statistics.Interval;

/** Ratios of contenders that were timed by turns. */
final class Shares {
  private static final long SEED = 42;

  private Shares() {}

  /** Returns factor · over/under, sample by sample, with its interval. */
  static Interval ratio(double factor, Samples over, Samples under) {
    return ratio(factor, over.values(), under.values());
  }

  /** Returns factor · over/under, pair by pair, with its interval. */
  static Interval ratio(double factor, double[] over, double[] under) {
    Interval plain = Statistics.ratioOfPairs(over, under, SEED);
    return new Interval(factor * plain.low(), factor * plain.median(), factor * plain.high());
  }

  /** Returns the fastest of several ways to do the same. */
  static Samples fastest(List<Samples> ways) {
    return ways.stream().min((a, b) -> Double.compare(a.median(), b.median())).orElseThrow();
  }

  /** Returns an interval for people. */
  static String text(Interval interval) {
    return String.format(
        Locale.ROOT, "95 %% interval %.3f to %.3f", interval.low(), interval.high());
  }
}
