package org.retention4j.bench.whole;

import java.util.List;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Verdict;

/**
 * One figure of a whole model.
 *
 * @param verdict the figure against its target
 * @param formula how it was counted
 * @param dtypes operands of the products: activations x weights; empty where there are none
 * @param timing times behind it, {@link Timing#NONE} where it is no time
 */
record Figure(Verdict verdict, String formula, String dtypes, Timing timing) {
  /** Returns the cells of a table's row. */
  List<String> cells() {
    return List.of(
        verdict.outcome(),
        Format.number(verdict.measured()),
        verdict.targetText(),
        verdict.what(),
        verdict.detail() + times(),
        formula);
  }

  private String times() {
    if (timing.median() == null) {
      return "";
    }
    return String.format(
        java.util.Locale.ROOT,
        "; median of %d samples %.3f ms, IQR %.3f, p95 %.3f, p99 %.3f; %d collections; steal %.1f"
            + " %%%s",
        timing.repeats(),
        timing.median() / 1e6,
        timing.iqr() / 1e6,
        timing.p95() / 1e6,
        timing.p99() / 1e6,
        timing.gcCount(),
        100 * timing.steal(),
        timing.noisy() ? ", NOISY" : "");
  }
}
