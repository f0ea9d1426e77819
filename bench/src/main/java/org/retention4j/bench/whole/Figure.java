package org.retention4j.bench.whole;

import java.util.List;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Verdict;

/**
 * One figure of a whole model.
 *
 * @param verdict the figure against its target
 * @param formula how it was counted
 * @param dtypes operands of the products: activations x weights
 * @param samplesNanos times behind it, none where it is no time
 */
record Figure(Verdict verdict, String formula, String dtypes, List<Long> samplesNanos) {
  static List<Long> list(Samples samples) {
    return java.util.Arrays.stream(samples.values()).mapToObj(x -> (long) x).toList();
  }

  /** Returns the cells of a table's row. */
  List<String> cells() {
    return List.of(
        verdict.outcome(),
        Format.number(verdict.measured()),
        verdict.targetText(),
        verdict.what(),
        verdict.detail(),
        formula);
  }
}
