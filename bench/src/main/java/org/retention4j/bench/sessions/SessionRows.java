package org.retention4j.bench.sessions;

import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.measure.Statistics.Interval;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;

/** Rows of one scene: times, ratios of times that were taken by turns, and what must be equal. */
final class SessionRows {
  private static final long SEED = 1;

  private final Results results;
  private final String scope;

  SessionRows(Results results, String scope) {
    this.results = results;
    this.scope = scope;
  }

  /** Adds a time of its own. */
  void time(String what, Workload workload, Samples samples, double tokens, String note) {
    results.add(Kind.SESSION, scope, what, workload, timing(samples, tokens), Cost.builder(), note);
  }

  /**
   * Adds a time beside another.
   *
   * @param tokens that a run takes, 0 where it takes none
   * @param to in what the ratio is said
   * @param ratio of pairs of turns
   */
  void ratio(
      String what,
      Workload workload,
      Samples samples,
      double tokens,
      Interval ratio,
      String to,
      String note) {
    Cost.Builder cost =
        Cost.builder().value(ratio.median(), to).interval(ratio.low(), ratio.high());
    results.add(Kind.SESSION, scope, what, workload, timing(samples, tokens), cost, note);
  }

  /** Adds how far two are apart that must be the same, to the bit. */
  void same(String what, double error) {
    results.add(
        Kind.EQUIVALENCE,
        scope,
        what,
        Workload.NONE,
        Timing.NONE,
        Cost.builder().error(error, 0),
        null);
  }

  /** Returns the ratio of two that were measured together. */
  static Interval ratio(Samples of, Samples to) {
    return Statistics.ratioOfPairs(of.values(), to.values(), SEED);
  }

  private static Timing timing(Samples samples, double tokens) {
    Timing timing = Timing.of(samples, tokens);
    return tokens > 0 ? timing : timing.withoutTokens();
  }
}
