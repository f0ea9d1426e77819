package org.retention4j.bench.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Shown;

/** The tables of an earlier run for a document, from its rows: one machine and commit a file. */
public final class RowTables {
  private static final int LEVEL = 3;

  private final Path file;
  private final List<Row> rows = new ArrayList<>();
  private final List<Verdict> figures = new ArrayList<>();
  private Machine machine;

  private RowTables(Path file) {
    this.file = file;
  }

  /**
   * Returns the tables of a run as Markdown, below a line that says where it was measured.
   *
   * @param file rows.jsonl or whole-model.jsonl
   * @throws IllegalArgumentException if it holds no rows, something else, or rows of two machines
   *     or commits, naming the line
   */
  public static String markdown(Path file) {
    RowTables tables = new RowTables(file);
    tables.read();
    return tables.markdown();
  }

  private void read() {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          "expected rows of a run in " + file + ", got bytes that are no UTF-8", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "expected rows of a run in " + file + ", but " + Shown.reason(e), e);
    }
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        try {
          read(lines.get(i), i + 1);
        } catch (JsonProcessingException e) {
          throw notARow(i + 1, e.getOriginalMessage());
        }
      }
    }
    if (machine == null) {
      throw new IllegalArgumentException("expected rows of a run in " + file + ", got none");
    }
  }

  private void read(String line, int number) throws JsonProcessingException {
    JsonNode node = RowLines.tree(line);
    if (node.has("figure")) {
      from(RowLines.read(node.path("machine"), Machine.class), number);
      figures.add(RowLines.read(node.path("figure").path("verdict"), Verdict.class));
    } else if (node.hasNonNull("kind")) {
      from(RowLines.read(node, Machine.class), number);
      rows.add(RowLines.row(node, machine));
    } else {
      throw notARow(number, "something else");
    }
  }

  private void from(Machine other, int number) {
    if (machine != null && !machine.equals(other)) {
      throw notARow(number, "one of another machine or commit than " + place(machine));
    }
    machine = other;
  }

  private IllegalArgumentException notARow(int number, String got) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "expected a row of this benchmark in line %d of %s, got %s",
            number,
            file,
            got));
  }

  private String markdown() {
    StringBuilder out = new StringBuilder("Measured on ").append(place(machine)).append(".\n\n");
    List<Table> tables = new ArrayList<>();
    if (!figures.isEmpty()) {
      tables.add(ReportTables.verdictsInShort(figures));
    }
    if (!rows.isEmpty()) {
      Results results = Results.of(machine, rows);
      if (SessionReport.isOf(results)) {
        return out + SessionReport.markdown(results, LEVEL);
      }
      if (TrainingReport.isOf(results)) {
        return out + TrainingReport.markdown(results, LEVEL);
      }
      tables.add(ReportTables.verdictsInShort(Verdicts.of(results)));
      tables.add(ReportTables.decodeOverview(results));
      tables.add(ReportTables.prefillOverview(results));
    }
    tables.forEach(table -> out.append(table.markdown(LEVEL)));
    return out.toString();
  }

  private static String place(Machine m) {
    return String.format(
        Locale.ROOT,
        "%s, %d threads, %s, JDK %s, oneDNN %s, commit %s",
        m.cpu(),
        m.threads(),
        m.isa(),
        m.jdk(),
        m.onednn(),
        m.commit());
  }
}
