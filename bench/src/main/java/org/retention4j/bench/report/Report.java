package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;

/**
 * All that a report says, to be written in any format.
 *
 * @param title of the report
 * @param sentences the summary
 * @param protocol how to read the figures
 * @param tables in their order
 * @param plots in their order
 * @param results the rows behind them
 */
public record Report(
    String title,
    List<String> sentences,
    String protocol,
    List<Table> tables,
    List<Plot> plots,
    Results results) {
  /** Makes the report of a run of the layers. */
  public static Report of(Results results) {
    List<Verdict> verdicts = results.equal() ? Verdicts.of(results) : List.of();
    List<Table> tables = new ArrayList<>();
    if (results.equal()) {
      tables.add(ReportTables.verdicts(verdicts));
      tables.add(ReportTables.decodeOverview(results));
      tables.add(ReportTables.prefillOverview(results));
      tables.add(ReportTables.coreSteps(results));
      tables.add(ReportTables.memory(results));
      tables.add(ReportTables.chunks(results));
    }
    tables.add(ReportTables.environment(results.machine()));
    if (results.equal()) {
      tables.add(ReportTables.ceilings(results));
    }
    tables.add(ReportTables.equivalence(results));
    if (results.equal()) {
      tables.add(ReportTables.timings(results));
    }
    return new Report(
        "Retention4J: retention against a Transformer",
        Headline.sentences(results, verdicts),
        "One layer at the paper's shape in fp32" + protocol(results),
        tables,
        LayerPlots.of(results),
        results);
  }

  /** Returns the report as Markdown. */
  public String markdown() {
    StringBuilder out = new StringBuilder("# ").append(title).append("\n\n");
    sentences.forEach(s -> out.append("* ").append(s).append('\n'));
    out.append('\n').append(protocol).append("\n\n");
    tables.forEach(table -> out.append(table.markdown()));
    return out.toString();
  }

  /** Says how the rows were measured. */
  static String protocol(Results results) {
    long collections =
        results.rows().stream()
            .map(row -> row.timing().gcCount())
            .filter(java.util.Objects::nonNull)
            .mapToLong(Long::longValue)
            .sum();
    long noisy =
        results.rows().stream().filter(row -> Boolean.TRUE.equals(row.timing().noisy())).count();
    return ", one process, contenders run by turns (A B B A), medians of warm runs. Garbage"
        + " collections inside timed runs: "
        + collections
        + ". Rows marked noisy because of other work on the machine: "
        + noisy
        + ".";
  }
}
