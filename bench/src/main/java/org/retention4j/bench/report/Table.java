package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A table for people. Columns whose cells are numbers are aligned by the writers.
 *
 * @param title above it
 * @param note below it, or null
 * @param headers names of the columns
 * @param rows cells
 */
public record Table(String title, String note, List<String> headers, List<List<String>> rows) {
  /** Checks that every row has a cell for every column. */
  public Table {
    headers = List.copyOf(headers);
    List<List<String>> copies = new ArrayList<>();
    for (List<String> row : rows) {
      if (row.size() != headers.size()) {
        throw new IllegalArgumentException(
            "expected " + headers.size() + " cells in \"" + title + "\", got " + row);
      }
      copies.add(List.copyOf(row));
    }
    rows = List.copyOf(copies);
  }

  /** Returns the table as Markdown. */
  public String markdown() {
    return markdown(2);
  }

  /**
   * Returns the table as Markdown.
   *
   * @param level of its heading
   */
  String markdown(int level) {
    StringBuilder out =
        new StringBuilder("#".repeat(level)).append(' ').append(title).append("\n\n");
    line(out, headers);
    out.append("|").append(" --- |".repeat(headers.size())).append('\n');
    for (List<String> row : rows) {
      line(out, row);
    }
    if (note != null) {
      out.append('\n').append(note).append('\n');
    }
    return out.append('\n').toString();
  }

  private static void line(StringBuilder out, List<String> cells) {
    out.append('|');
    for (String cell : cells) {
      out.append(' ').append(cell.replace("|", "\\|").replace("\n", " ")).append(" |");
    }
    out.append('\n');
  }

  /** Returns the table as HTML. */
  public String html() {
    StringBuilder out = new StringBuilder("<section><h2>");
    out.append(escape(title)).append("</h2><div class=\"scroll\"><table><thead><tr>");
    for (String header : headers) {
      out.append("<th>").append(escape(header)).append("</th>");
    }
    out.append("</tr></thead><tbody>");
    for (List<String> row : rows) {
      out.append("<tr>");
      for (String cell : row) {
        out.append("<td").append(style(cell)).append('>').append(escape(cell)).append("</td>");
      }
      out.append("</tr>\n");
    }
    out.append("</tbody></table></div>");
    if (note != null) {
      out.append("<p class=\"note\">").append(escape(note)).append("</p>");
    }
    return out.append("</section>\n").toString();
  }

  private static String style(String cell) {
    return switch (cell) {
      case "reached", "equal" -> " class=\"good\"";
      case "missed", "NOT EQUAL" -> " class=\"bad\"";
      default -> cell.matches("[≥≤]? ?[-−]?[0-9].{0,14}") ? " class=\"num\"" : "";
    };
  }

  /** Returns text that is safe inside an HTML element. */
  public static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /** Returns the table for a terminal, columns padded. */
  public String plain() {
    int[] widths = new int[headers.size()];
    List<List<String>> all = new ArrayList<>();
    all.add(headers);
    all.addAll(rows);
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder out = new StringBuilder(title).append('\n');
    for (List<String> row : all) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append("  ").append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length()));
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
    return out.toString();
  }
}
