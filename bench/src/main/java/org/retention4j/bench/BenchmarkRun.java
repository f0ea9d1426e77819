package org.retention4j.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.bench.measure.Deadline;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.Report;
import org.retention4j.bench.report.ReportFiles;
import org.retention4j.bench.report.ReportTables;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.Row;
import org.retention4j.bench.report.Verdicts;
import org.retention4j.bench.suite.CeilingSuite;
import org.retention4j.bench.suite.Ceilings;
import org.retention4j.bench.suite.ChunkSweep;
import org.retention4j.bench.suite.CoreStepSuite;
import org.retention4j.bench.suite.DecodeSuite;
import org.retention4j.bench.suite.Effort;
import org.retention4j.bench.suite.EquivalenceSuite;
import org.retention4j.bench.suite.Models;
import org.retention4j.bench.suite.PrefillSuite;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.bench.suite.Scene;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/** The main job: prove the forms equal, measure, report. */
final class BenchmarkRun {
  /** Every form is equal and the report is written. */
  static final int OK = 0;

  /** Some form is not equal; the report says which. */
  static final int NOT_EQUAL = 1;

  private static final int FIXED_STEPS = 9;

  /** The sweep is an extra: it is left out when the time is up. */
  private static final double SWEEP_SECONDS = 4;

  private final Settings settings;
  private final SampleText text;
  private final ReportFiles files;
  private final PrintStream out;

  private BenchmarkRun(Settings settings, SampleText text, ReportFiles files, PrintStream out) {
    this.settings = settings;
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
  static BenchmarkRun prepare(Settings settings, PrintStream out) {
    SampleText text = SampleText.read(settings.text());
    return new BenchmarkRun(settings, text, ReportFiles.in(settings.out()), out);
  }

  /** Runs it and returns an exit code. */
  int execute() {
    Effort effort = settings.quick() ? Effort.QUICK : Effort.FULL;
    boolean finished = false;
    try (Progress progress = new Progress(out, FIXED_STEPS + effort.lengths().size());
        Engine engine =
            Engine.create(ElementType.FLOAT32, settings.threads(), ComputeRoute.best())) {
      Speech.run(engine, settings.seed(), out);
      Results results =
          new Results(Machine.current(settings.threads()), row -> print(row, progress));
      progress.line(
          "Text: "
              + text.name()
              + ", "
              + text.length()
              + " bytes. Element-wise provider: "
              + engine.kernelsName());
      progress.line(RowPrinter.header());
      measure(engine, effort, results, progress);
      Path page = files.write(Report.of(results));
      finished = true;
      summarise(results, page, progress);
      return results.equal() ? OK : NOT_EQUAL;
    } finally {
      if (!finished) {
        files.abandon();
      }
    }
  }

  private void measure(Engine engine, Effort effort, Results results, Progress progress) {
    LayerShape shape = LayerShape.PAPER;
    progress.step("making weights");
    try (Models models = new Models(shape, engine, settings.seed())) {
      Scene scene =
          new Scene(
              models,
              text,
              SampleText.embedding(shape.modelWidth(), settings.seed()),
              effort,
              settings.seed(),
              results,
              new Deadline(effort.seconds()));
      progress.step("proving the forms equal");
      new EquivalenceSuite(scene).run();
      if (!results.equal()) {
        return;
      }
      progress.step("ceilings");
      Ceilings ceilings = new CeilingSuite(scene).run();
      progress.step("core step");
      new CoreStepSuite(scene, ceilings).run();
      decode(scene, ceilings, progress);
      PrefillSuite prefill = new PrefillSuite(scene, ceilings);
      for (int tokens : effort.lengths()) {
        progress.step("prefill of " + tokens + " tokens");
        prefill.run(tokens);
      }
      progress.step("peak of memory");
      prefill.peak();
      progress.step("chunk sizes");
      if (scene.deadline().remaining() > SWEEP_SECONDS) {
        new ChunkSweep(scene, ceilings).run();
      } else {
        progress.line("No time is left for the chunk sizes: the machine is slow or busy.");
      }
    }
  }

  /** Prints a row; of the ways to a ceiling only the best. */
  private static void print(Row row, Progress progress) {
    boolean way = row.kind() == Row.Kind.CEILING && row.note() != null;
    if (!way || !row.note().startsWith(CeilingSuite.SLOWER)) {
      progress.line(RowPrinter.line(row));
    }
  }

  private static void decode(Scene scene, Ceilings ceilings, Progress progress) {
    DecodeSuite decode = new DecodeSuite(scene, ceilings);
    progress.step("decode latencies");
    decode.latencies();
    decode.crossover();
    progress.step("allocation");
    decode.allocation();
    progress.step("memory");
    decode.memory();
  }

  private static void summarise(Results results, Path page, Progress progress) {
    if (results.equal()) {
      progress.line("");
      progress.line(ReportTables.verdictsInShort(Verdicts.of(results)).plain());
    } else {
      List<String> wrong =
          results.rows(Row.Kind.EQUIVALENCE).stream()
              .filter(row -> !(row.cost().error() <= row.cost().bound()))
              .map(RowPrinter::line)
              .toList();
      progress.line("The forms are NOT equal; no speed was measured:");
      wrong.forEach(progress::line);
    }
    progress.line("Report: " + page.toAbsolutePath().normalize());
  }
}
