package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.bench.measure.MachineLoad;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Row.Kind;

/** Tables and verdicts of a run of sessions, from rows made by hand. */
class SessionReportTest {
  private Results results;

  @BeforeEach
  void begin() {
    results = new Results(ReportsTest.MACHINE, row -> {});
  }

  private void row(String scope, String what, double ratio) {
    Samples samples =
        new Samples(new long[] {80_000_000, 80_000_000}, 1, 0, new MachineLoad(0, 0, 0));
    results.add(
        Kind.SESSION,
        scope,
        what,
        Workload.NONE,
        Timing.of(samples, 1).withoutTokens(),
        Cost.builder().value(ratio, "of the other").interval(ratio - 0.01, ratio + 0.01),
        null);
  }

  private String outcome(int verdict) {
    return SessionVerdicts.of(results).get(verdict).outcome();
  }

  @Test
  void rowsAreHeldToWhatIsPromised() {
    row("snapshot", "save", 0.51);
    row("snapshot", "read", 0.49);
    row("prefix", "the same prompt, 8000 of its tokens cached", 0.066);
    row("batch", "clients that come at once", 0.85);
    row("batch", "clients that come again", 0.84);
    row("batch", "first token of one that comes while 8 write", 3.1);
    assertThat(outcome(0)).isEqualTo("reached");
    assertThat(outcome(1)).isEqualTo("missed");
    assertThat(outcome(2)).isEqualTo("reached");
    assertThat(outcome(3)).isEqualTo("reached");
    assertThat(outcome(4)).isEqualTo("missed");
    assertThat(outcome(5)).isEqualTo("missed");
  }

  @Test
  void whatWasNotMeasuredIsNotClaimed() {
    row("draft", "passes of 4 rows, all right", 2);
    assertThat(SessionVerdicts.of(results)).allMatch(v -> v.outcome().equals("not measured"));
  }

  @Test
  void whatIsNotTheSameIsSaidAndNothingElse() {
    row("snapshot", "save", 0.51);
    Cost.Builder off = Cost.builder().error(1e-9, 0);
    results.add(
        Kind.EQUIVALENCE,
        "draft",
        "texts",
        Workload.NONE,
        Timing.NONE,
        Cost.builder().error(0, 0),
        null);
    assertThat(SessionReport.of(results).markdown()).contains("| draft | texts | 0 | the same |");
    results.add(Kind.EQUIVALENCE, "prefix", "logits", Workload.NONE, Timing.NONE, off, null);
    assertThat(SessionReport.of(results).markdown())
        .contains("Two ways that must give the same numbers do NOT.", "| NOT THE SAME |")
        .doesNotContain("0.510");
  }

  @Test
  void tablesOfAnEarlierRunComeFromItsRows(@TempDir Path folder) throws Exception {
    row("snapshot", "save", 0.51);
    row("draft", "passes of 4 rows, all right", 2.25);
    Path file = folder.resolve("rows.jsonl");
    Files.writeString(file, RowLines.lines(results.rows()));
    assertThat(RowTables.markdown(file))
        .contains("### A session to a file and back, and marks")
        .contains("| save | 80.00 ms | 0 ns | – | 0.510 (0.500–0.520) | of the other |  |")
        .contains("| passes of 4 rows, all right | 80.00 ms | 0 ns | – | 2.25 (2.24–2.26) |");
  }
}
