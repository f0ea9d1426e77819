package org.retention4j.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.ReportFiles;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.TrainingReport;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.bench.training.TrainingEffort;
import org.retention4j.bench.training.TrainingShape;
import org.retention4j.bench.training.TrainingSuite;

/** The job of {@code --training}: hold mixers to each other, measure steps of training, report. */
final class TrainingBenchmark {
  private final Settings settings;
  private final TrainingEffort effort;
  private final SampleText text;
  private final ReportFiles files;
  private final PrintStream out;

  private TrainingBenchmark(
      Settings settings,
      TrainingEffort effort,
      SampleText text,
      ReportFiles files,
      PrintStream out) {
    this.settings = settings;
    this.effort = effort;
    this.text = text;
    this.files = files;
    this.out = out;
  }

  /**
   * Checks all input.
   *
   * @throws IllegalArgumentException for a text or a folder that will not do; nothing is left
   *     behind
   */
  static TrainingBenchmark prepare(Settings settings, TrainingEffort effort, PrintStream out) {
    SampleText text = SampleText.read(settings.text());
    return new TrainingBenchmark(settings, effort, text, ReportFiles.in(settings.out()), out);
  }

  /** Runs it and returns an exit code. */
  int execute() {
    boolean finished = false;
    try (Progress progress = new Progress(out, 2 * effort.lengths().size() + 2)) {
      Results results =
          new Results(
              Machine.current(settings.threads()), row -> progress.line(RowPrinter.line(row)));
      progress.line("Text: " + text.name() + ", " + text.length() + " bytes.");
      progress.line(RowPrinter.header());
      new TrainingSuite(
              TrainingShape.ALL, effort, text, settings.threads(), settings.seed(), results)
          .run(progress::step);
      Path page = files.write(TrainingReport.of(results));
      finished = true;
      progress.line("");
      progress.line(
          results.equal()
              ? TrainingReport.verdictsInShort(results).plain()
              : "Two mixers that must be equal are NOT; nothing more was measured.");
      progress.line("Report: " + page.toAbsolutePath().normalize());
      return results.equal() ? BenchmarkRun.OK : BenchmarkRun.NOT_EQUAL;
    } finally {
      if (!finished) {
        files.abandon();
      }
    }
  }
}
