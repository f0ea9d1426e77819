package org.retention4j.bench.whole;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.RowLines;
import org.retention4j.bench.report.Table;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Provider;

/** Measures a checkpoint, prints the figures as they come, leaves them as Markdown and JSONL. */
public final class WholeModelRun {
  private WholeModelRun() {}

  /**
   * Runs it.
   *
   * @param folder of the checkpoint
   * @param out where whole-model.md and whole-model.jsonl go
   * @throws IllegalArgumentException if the folder is no checkpoint, or out cannot be made
   */
  public static void execute(Path folder, Path out, int threads, PrintStream lines) {
    Checkpoint checkpoint = WholeModel.open(folder);
    try {
      Files.createDirectories(out);
    } catch (IOException e) {
      throw new IllegalArgumentException("expected a folder for the report, got " + out, e);
    }
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, Provider.best())) {
      lines.printf(
          Locale.ROOT,
          "%s: %,d parameters; element-wise provider: %s%n",
          folder,
          checkpoint.config().parameters(),
          engine.providerName());
      List<Figure> figures =
          new WholeModel(checkpoint, engine, figure -> print(figure, lines)).run();
      write(folder, out, figures, threads);
      lines.println("Report: " + out.resolve("whole-model.md").toAbsolutePath().normalize());
    }
  }

  private static void print(Figure figure, PrintStream lines) {
    List<String> cells = figure.cells();
    lines.printf(
        "%-12s %-9s %-8s %s%n%40s%s%n",
        cells.get(0), cells.get(1), cells.get(2), cells.get(3), "", cells.get(4));
    lines.flush();
  }

  private record Line(Figure figure, Machine machine) {}

  private static void write(Path folder, Path out, List<Figure> figures, int threads) {
    Machine machine = Machine.current(threads);
    Table table =
        new Table(
            "Whole model " + folder.getFileName(),
            machine.toString(),
            List.of("verdict", "measured", "target", "figure", "values", "counted as"),
            figures.stream().map(Figure::cells).toList());
    try {
      Files.writeString(out.resolve("whole-model.md"), table.markdown());
      Files.writeString(
          out.resolve("whole-model.jsonl"),
          figures.stream()
              .map(figure -> RowLines.line(new Line(figure, machine)))
              .collect(Collectors.joining("\n", "", "\n")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the report to " + out, e);
    }
  }
}
