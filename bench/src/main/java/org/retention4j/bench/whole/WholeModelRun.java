package org.retention4j.bench.whole;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.retention4j.bench.report.HtmlReport;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.ReportFiles;
import org.retention4j.bench.report.RowLines;
import org.retention4j.bench.report.Table;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/** Measures a checkpoint, prints the figures as they come, leaves them as a report. */
public final class WholeModelRun {
  private static final String NO_BFLOAT16 =
      " bf16 x bf16 is not measured: this processor has no such products.";

  private WholeModelRun() {}

  /**
   * Runs it.
   *
   * @param checkpoint the model
   * @param out where whole-model.html, whole-model.md and whole-model.jsonl go
   * @param quick whether to repeat less
   * @return whether the forms were equal; if not, nothing was timed
   * @throws IllegalArgumentException if weights and configuration disagree, or out cannot be
   *     written to
   */
  public static boolean execute(
      Checkpoint checkpoint, Path out, boolean quick, int threads, PrintStream lines) {
    return execute(checkpoint, out, quick ? WholeEffort.QUICK : WholeEffort.FULL, threads, lines);
  }

  static boolean execute(
      Checkpoint checkpoint, Path out, WholeEffort effort, int threads, PrintStream lines) {
    Path folder = checkpoint.folder();
    ReportFiles files = ReportFiles.in(out);
    boolean written = false;
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best())) {
      lines.printf(
          Locale.ROOT,
          "%s: %,d parameters; element-wise provider: %s%n",
          folder,
          checkpoint.config().parameters(),
          engine.kernelsName());
      WholeModel model = new WholeModel(checkpoint, engine, effort, figure -> print(figure, lines));
      boolean equal = model.run();
      String note = engine.multipliesBfloat16() ? "" : NO_BFLOAT16;
      if (!note.isEmpty()) {
        lines.println(note.strip());
      }
      files.write(contents(folder, model.figures(), note, Machine.current(threads)));
      written = true;
      Path page = files.resolve("whole-model.html").toAbsolutePath().normalize();
      lines.println(
          (equal ? "" : "The forms are not equal, nothing was timed. ") + "Report: " + page);
      return equal;
    } finally {
      if (!written) {
        files.abandon();
      }
    }
  }

  private static void print(Figure figure, PrintStream lines) {
    List<String> cells = figure.cells();
    lines.printf(
        Locale.ROOT,
        "%-12s %-9s %-9s %s%n%40s%s%n",
        cells.get(0),
        cells.get(1),
        cells.get(2),
        cells.get(3),
        "",
        cells.get(4));
    lines.flush();
  }

  private record Line(Figure figure, Machine machine) {}

  private static Map<String, String> contents(
      Path folder, List<Figure> figures, String note, Machine machine) {
    String title = "Whole model " + folder.toAbsolutePath().normalize().getFileName();
    Table table =
        new Table(
            title,
            "Operands of products are named activations x weights in the rows of"
                + " whole-model.jsonl, with all samples."
                + note,
            List.of("verdict", "measured", "target", "figure", "values", "counted as"),
            figures.stream().map(Figure::cells).toList());
    Map<String, String> files = new LinkedHashMap<>();
    files.put("whole-model.md", table.markdown() + machine + "\n");
    files.put(
        "whole-model.jsonl",
        figures.stream()
            .map(figure -> RowLines.line(new Line(figure, machine)))
            .collect(Collectors.joining("\n", "", "\n")));
    files.put("whole-model.html", HtmlReport.page(title, machine.toString(), List.of(table)));
    return files;
  }
}
