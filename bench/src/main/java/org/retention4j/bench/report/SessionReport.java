package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.bench.report.Row.Kind;

/** What a run of sessions says: saved, cached, marked, drafted, many at once. */
public final class SessionReport {
  private static final Map<String, String> SCENES = new LinkedHashMap<>();

  static {
    SCENES.put("snapshot", "A session to a file and back, and marks");
    SCENES.put("prefix", "A prompt whose beginning is cached");
    SCENES.put("batch", "Many clients on one model");
    SCENES.put("draft", "Guesses that are read in one pass");
  }

  private SessionReport() {}

  /** Returns whether rows are those of such a run. */
  static boolean isOf(Results results) {
    return !results.rows(Kind.SESSION).isEmpty();
  }

  /** Makes the report. */
  public static Report of(Results results) {
    List<Table> tables = new ArrayList<>();
    if (results.equal()) {
      tables.add(ReportTables.verdicts(SessionVerdicts.of(results)));
      tables.addAll(scenes(results));
    }
    tables.add(ReportTables.environment(results.machine()));
    tables.add(same(results));
    return new Report(
        "Retention4J: sessions that last",
        List.of(
            results.equal()
                ? "What was saved, cached, guessed or read from a file gave the same numbers, to the"
                    + " bit, as what was not; only then was its time looked at."
                : "Two ways that must give the same numbers do NOT."),
        "Times of whole calls" + Report.protocol(results),
        tables,
        List.of(),
        results);
  }

  private static Table same(Results results) {
    return new Table(
        "What must be the same",
        "The largest difference, and how many texts are others.",
        List.of("scene", "compared", "difference", ""),
        results.rows(Kind.EQUIVALENCE).stream()
            .map(
                row ->
                    List.of(
                        row.scope(),
                        row.what(),
                        Format.number(row.cost().error()),
                        row.cost().error() <= row.cost().bound() ? "the same" : "NOT THE SAME"))
            .toList());
  }

  /** Returns the verdicts in short, for a terminal. */
  public static Table verdictsInShort(Results results) {
    return ReportTables.verdictsInShort(SessionVerdicts.of(results));
  }

  /** Returns the tables of a document. */
  static String markdown(Results results, int level) {
    StringBuilder out = new StringBuilder(verdictsInShort(results).markdown(level));
    scenes(results).forEach(table -> out.append(table.markdown(level)));
    return out.toString();
  }

  private static List<Table> scenes(Results results) {
    List<Table> tables = new ArrayList<>();
    SCENES.forEach(
        (scope, title) -> {
          List<List<String>> rows =
              results.rows(Kind.SESSION, scope, null).stream().map(SessionReport::cells).toList();
          if (!rows.isEmpty()) {
            tables.add(
                new Table(
                    title,
                    null,
                    List.of("what", "median", "IQR", "tokens/s", "ratio", "of what", "note"),
                    rows));
          }
        });
    return tables;
  }

  private static List<String> cells(Row row) {
    Cost cost = row.cost();
    return List.of(
        row.what(),
        Format.time(row.timing().median()),
        Format.time(row.timing().iqr()),
        Format.number(row.timing().tokensPerSecond()),
        cost.value() == null
            ? "–"
            : Format.number(cost.value())
                + " ("
                + Format.number(cost.low())
                + "–"
                + Format.number(cost.high())
                + ")",
        cost.value() == null ? "–" : cost.unit(),
        row.note() == null ? "" : row.note());
  }
}
