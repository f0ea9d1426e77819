package org.retention4j.bench.report;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.bench.report.Row.Kind;

/** Holds the rows of a run of training to the figures that the project promises. */
final class TrainingVerdicts {
  private static final double MOST_HEAP = 64 * 1024;
  private static final String CHUNKWISE = "chunkwise";

  private TrainingVerdicts() {}

  /** Returns the verdicts, recomputed from the rows. */
  static List<Verdict> of(Results results) {
    return List.of(
        share(results, "D 256", 512, "6 layers, 4 x 512 tokens", 0.75),
        share(results, "D 2048", 1024, "one layer, 1 x 1024 tokens", 0.82),
        allocation(results),
        growth(results));
  }

  private static Verdict share(
      Results results, String shape, int tokens, String size, double target) {
    String what =
        "step of training, " + shape + ", " + size + ": useful FLOP/s over the bare products";
    Optional<Row> row = row(results, Kind.TRAINING, shape, tokens);
    if (row.isEmpty()) {
      return new Verdict(what, target, true, null, "–", "no such row in this run");
    }
    Cost cost = row.get().cost();
    Timing timing = row.get().timing();
    String noise = Boolean.TRUE.equals(timing.noisy()) ? "; NOISY: other work on the machine" : "";
    return new Verdict(
        what,
        target,
        true,
        1.1,
        cost.share(),
        Format.number(cost.ceiling()) + " GFLOP/s, " + cost.ceilingName(),
        String.format(
            Locale.ROOT,
            "%s GFLOP/s, %s tokens/s; IQR %s of %s, %d steps%s",
            Format.number(cost.gflops()),
            Format.number(timing.tokensPerSecond()),
            Format.time(timing.iqr()),
            Format.time(timing.median()),
            timing.repeats(),
            noise));
  }

  private static Optional<Row> row(Results results, Kind kind, String shape, int tokens) {
    return results.rows(kind, shape, CHUNKWISE).stream()
        .filter(row -> row.workload().nPrompt() == tokens)
        .findFirst();
  }

  private static Verdict allocation(Results results) {
    String what = "heap bytes allocated by a step of training, D 256, 6 layers";
    return results.rows(Kind.ALLOCATION, "D 256", CHUNKWISE).stream()
        .findFirst()
        .map(row -> new Verdict(what, MOST_HEAP, false, row.cost().value(), "–", row.note()))
        .orElse(new Verdict(what, MOST_HEAP, false, null, "–", "no such row in this run"));
  }

  private static Verdict growth(Results results) {
    String what = "memory of a token in a chunkwise step, T 8192 over T 2048, D 256, but weights";
    Optional<Row> small = row(results, Kind.PEAK, "D 256", 2048);
    Optional<Row> large = row(results, Kind.PEAK, "D 256", 8192);
    if (small.isEmpty() || large.isEmpty()) {
      return new Verdict(what, 1.05, false, null, "–", "no such rows in this run");
    }
    double first = small.get().cost().value();
    double second = large.get().cost().value();
    return new Verdict(
        what,
        1.05,
        false,
        second / first,
        "–",
        Format.bytes(first) + " a token at 2048, " + Format.bytes(second) + " at 8192");
  }
}
