package org.retention4j.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.bench.measure.MachineLoad;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Row.Kind;

/** Tables, verdicts and plots of a run of training, from rows made by hand. */
class TrainingReportTest {
  private static final long SECOND = 1_000_000_000;

  private Results results;

  @BeforeEach
  void begin() {
    results = new Results(ReportsTest.MACHINE, row -> {});
  }

  private static Workload workload(String form, int tokens) {
    return new Workload(
        form, null, null, 6, 256, 4, 64, 128, 704, 256, 1L, "f32 x f32", tokens, null, null, 1);
  }

  /**
   * A step of so many seconds, of 100 GFLOP where the product makes 125 a second, and so many MB.
   */
  private void step(String shape, String form, int tokens, double seconds, double megabytes) {
    long nanos = (long) (seconds * SECOND);
    Samples samples = new Samples(new long[] {nanos, nanos}, 1, 0, new MachineLoad(0, 0, 0));
    results.add(
        Kind.TRAINING,
        shape,
        "step",
        workload(form, tokens),
        Timing.of(samples, 2048),
        Cost.builder()
            .flops(100e9, "f")
            .bytes(1e6 * megabytes, "b")
            .allocated(1e6 * megabytes)
            .value(megabytes, "MB resident")
            .ceiling(125, "bare products"),
        null);
  }

  private void figure(Kind kind, int tokens, double value, String unit) {
    results.add(
        kind,
        "D 256",
        "w",
        workload("chunkwise", tokens),
        Timing.NONE,
        Cost.builder().allocated(1).value(value, unit),
        null);
  }

  private Verdict verdict(String part) {
    return TrainingVerdicts.of(results).stream()
        .filter(v -> v.what().contains(part))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void holdsStepsToTheirTargets() {
    step("D 256", "chunkwise", 512, 1, 1);
    step("D 2048", "chunkwise", 1024, 1, 1);
    assertThat(verdict("D 256, 6 layers, 4 x 512").measured()).isEqualTo(0.8);
    assertThat(verdict("D 256, 6 layers, 4 x 512").outcome()).isEqualTo("reached");
    assertThat(verdict("D 2048, one layer").measured()).isEqualTo(0.8);
    assertThat(verdict("D 2048, one layer").outcome()).isEqualTo("missed");
    assertThat(verdict("heap bytes").outcome()).isEqualTo("not measured");
    figure(Kind.ALLOCATION, 512, 65_537, "B");
    assertThat(verdict("heap bytes").outcome()).isEqualTo("missed");
  }

  @Test
  void holdsMemoryOfLongRowsToThatOfShortOnes() {
    figure(Kind.PEAK, 2048, 1000, "B a token");
    assertThat(verdict("memory of a token").outcome()).isEqualTo("not measured");
    figure(Kind.PEAK, 8192, 1040, "B a token");
    assertThat(verdict("memory of a token").measured()).isEqualTo(1.04);
    assertThat(verdict("memory of a token").outcome()).isEqualTo("reached");
  }

  @Test
  void saysWhoWinsByHowMuchAndWhatWasSkipped(@TempDir Path folder) throws Exception {
    step("D 256", "chunkwise", 2048, 1, 80);
    step("D 256", "tiled", 2048, 0.5, 64);
    step("D 256", "materialised", 2048, 3, 160);
    results.add(
        Kind.SKIPPED,
        "D 256",
        "skipped: needs 9 GB",
        workload("materialised", 8192),
        Timing.NONE,
        Cost.builder(),
        null);
    step("D 256", "chunkwise", 8192, 1, 320);
    String markdown = TrainingReport.of(results).markdown();
    assertThat(markdown)
        .contains("| D 256 | 2,048 | 0.50 (0.50–0.50) | 1.00 | 3.00 (3.00–3.00) | 1.00 | – | – |")
        .contains("| -25 % | 50 % |")
        .contains("3.00 times as fast at T 2,048 (50 % less memory)")
        .contains("slower, at 0.50 times the speed at T 2,048 (25 % more memory)")
        .contains("| D 256 | attention, materialised | 683 · 0.27 | skipped: memory |");
    Path page = ReportFiles.in(folder).write(TrainingReport.of(results));
    assertThat(Files.readString(page))
        .contains(
            "<canvas id=\"speedD256\">", "<canvas id=\"memoryD256\">", "\"places\":[2048,8192]")
        .doesNotContain("{{");
    // The same tables come from the rows that were written.
    assertThat(RowTables.markdown(folder.resolve("rows.jsonl")))
        .contains("### Chunkwise retention against the others")
        .contains("| D 256 | 2,048 | 0.50 (0.50–0.50) |");
  }

  @Test
  void showsNoSpeedOfWrongResults() {
    results.add(
        Kind.EQUIVALENCE,
        "D 256",
        "loss",
        workload("parallel", 512),
        Timing.NONE,
        Cost.builder().error(1e-3, 5e-5),
        null);
    step("D 256", "chunkwise", 512, 1, 1);
    Report report = TrainingReport.of(results);
    assertThat(report.sentences()).isEqualTo(List.of("Two mixers that must be equal are NOT."));
    assertThat(report.markdown()).doesNotContain("Tokens per second");
  }
}
