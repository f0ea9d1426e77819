package org.retention4j.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.Report;
import org.retention4j.bench.report.ReportFiles;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.SessionReport;
import org.retention4j.bench.report.Table;
import org.retention4j.bench.report.TrainingReport;
import org.retention4j.bench.sessions.SessionEffort;
import org.retention4j.bench.sessions.SessionSuite;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.bench.training.TrainingEffort;
import org.retention4j.bench.training.TrainingShape;
import org.retention4j.bench.training.TrainingSuite;

/**
 * The job of {@code --training} and of {@code --sessions}: measure a suite, row by row, and write
 * its report; nothing more once two that must be equal are not.
 */
final class SuiteRun {
  private final Settings settings;
  private final SampleText text;
  private final ReportFiles files;
  private final PrintStream out;
  private final Job job;

  /** What is measured, and what is said of it. */
  private record Job(
      int steps,
      Suite suite,
      Function<Results, Report> report,
      Function<Results, Table> verdicts,
      String unequal) {}

  /** Measures. */
  private interface Suite {
    void run(SampleText text, Results results, Consumer<String> progress);
  }

  private SuiteRun(Settings settings, Job job, PrintStream out) {
    this.settings = settings;
    this.job = job;
    this.out = out;
    text = SampleText.read(settings.text());
    files = ReportFiles.in(settings.out());
  }

  /**
   * Checks all input of a run of training.
   *
   * @throws IllegalArgumentException for a text or a folder that will not do; nothing is left
   *     behind
   */
  static SuiteRun training(Settings settings, TrainingEffort effort, PrintStream out) {
    Suite suite =
        (text, results, progress) ->
            new TrainingSuite(
                    TrainingShape.ALL, effort, text, settings.threads(), settings.seed(), results)
                .run(progress);
    return new SuiteRun(
        settings,
        new Job(
            2 * effort.lengths().size() + 2,
            suite,
            TrainingReport::of,
            TrainingReport::verdictsInShort,
            "Two mixers that must be equal are NOT; nothing more was measured."),
        out);
  }

  /** The same of a run of sessions. */
  static SuiteRun sessions(Settings settings, SessionEffort effort, PrintStream out) {
    Suite suite =
        (text, results, progress) ->
            new SessionSuite(effort, text, settings.threads(), settings.seed(), results)
                .run(progress);
    return new SuiteRun(
        settings,
        new Job(
            SessionSuite.SCENES,
            suite,
            SessionReport::of,
            SessionReport::verdictsInShort,
            "Two ways that must give the same numbers do NOT; nothing more was measured."),
        out);
  }

  /** Runs it and returns an exit code. */
  int execute() {
    boolean finished = false;
    try (Progress progress = new Progress(out, job.steps())) {
      Results results =
          new Results(
              Machine.current(settings.threads()), row -> progress.line(RowPrinter.line(row)));
      progress.line("Text: " + text.name() + ", " + text.length() + " bytes.");
      progress.line(RowPrinter.header());
      job.suite().run(text, results, progress::step);
      Path page = files.write(job.report().apply(results));
      finished = true;
      progress.line("");
      progress.line(results.equal() ? job.verdicts().apply(results).plain() : job.unequal());
      progress.line("Report: " + page.toAbsolutePath().normalize());
      return results.equal() ? BenchmarkRun.OK : BenchmarkRun.NOT_EQUAL;
    } finally {
      if (!finished) {
        files.abandon();
      }
    }
  }
}
