package org.retention4j.bench.report;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.bench.report.Row.Kind;

/** Holds the rows of a run of sessions to the figures that the project promises. */
final class SessionVerdicts {
  private SessionVerdicts() {}

  /** Returns the verdicts, recomputed from the rows. */
  static List<Verdict> of(Results results) {
    return List.of(
        verdict(results, "snapshot", "save", "a session saved", 0.5, true),
        verdict(results, "snapshot", "read", "a session read from its file", 0.5, true),
        verdict(
            results,
            "prefix",
            "the same prompt",
            "first token of a prompt of 8,192 tokens of which 8,000 are cached",
            1 / 15.0,
            false),
        verdict(results, "batch", "clients that come at once", "64 clients at once", 0.85, true),
        verdict(results, "batch", "clients that come again", "64 clients, again", 0.85, true),
        verdict(results, "batch", "first token of one that comes while", "a newcomer", 3, false));
  }

  private static Verdict verdict(
      Results results, String scope, String row, String what, double target, boolean atLeast) {
    Optional<Row> found =
        results.rows(Kind.SESSION, scope, null).stream()
            .filter(r -> r.what().startsWith(row) && r.cost().value() != null)
            .findFirst();
    if (found.isEmpty()) {
      return new Verdict(what, target, atLeast, null, "–", "no such row in this run");
    }
    Cost cost = found.get().cost();
    Timing timing = found.get().timing();
    String noise = Boolean.TRUE.equals(timing.noisy()) ? "; NOISY: other work on the machine" : "";
    return new Verdict(
        what + ", " + cost.unit(),
        target,
        atLeast,
        cost.value(),
        cost.unit(),
        String.format(
            Locale.ROOT,
            "%s; 95 %% interval %s to %s, %d samples%s",
            Format.time(timing.median()),
            Format.number(cost.low()),
            Format.number(cost.high()),
            timing.repeats(),
            noise));
  }
}
