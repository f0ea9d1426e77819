package org.retention4j.bench;

import java.util.Locale;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Row;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;

/** Rows as lines of the table that is printed while the benchmark runs. */
final class RowPrinter {
  private RowPrinter() {}

  static String header() {
    return String.format(
        Locale.ROOT,
        "%-11s %-6s %-12s %6s %6s %3s %11s %10s %10s %8s %8s %6s",
        "what",
        "scope",
        "form",
        "T",
        "depth",
        "B",
        "median",
        "IQR",
        "tokens/s",
        "GFLOP/s",
        "GB/s",
        "share");
  }

  static String line(Row row) {
    Workload w = row.workload();
    Timing t = row.timing();
    Cost c = row.cost();
    String kind = row.kind().label();
    if (row.kind() == Row.Kind.SESSION) {
      return String.format(
          Locale.ROOT,
          "%-11s %-8s %-50s %11s %10s %10s%s",
          kind,
          row.scope(),
          row.what(),
          Format.time(t.median()),
          Format.time(t.iqr()),
          Format.number(t.tokensPerSecond()),
          suffix(row));
    }
    if (t.median() == null || row.kind() == Row.Kind.CEILING) {
      return String.format(
          Locale.ROOT, "%-11s %-6s %-12s %s", kind, row.scope(), form(w), words(row));
    }
    return String.format(
        Locale.ROOT,
        "%-11s %-6s %-12s %6s %6s %3s %11s %10s %10s %8s %8s %6s%s",
        kind,
        row.scope(),
        form(w),
        plain(w.nPrompt()),
        plain(w.nDepth()),
        plain(w.nBatch()),
        Format.time(t.median()),
        Format.time(t.iqr()),
        Format.number(t.tokensPerSecond()),
        Format.number(c.gflops()),
        Format.number(c.gbps()),
        Format.ratio(c.share()),
        suffix(row));
  }

  private static String suffix(Row row) {
    StringBuilder out = new StringBuilder();
    Workload w = row.workload();
    if (row.kind() == Row.Kind.CHUNK_SWEEP) {
      out.append("  C=").append(w.chunk());
    }
    if (row.kind() == Row.Kind.CORE_STEP) {
      out.append("  ").append(w.provider());
    }
    if (row.cost().value() != null) {
      out.append("  ")
          .append(Format.number(row.cost().value()))
          .append(' ')
          .append(row.cost().unit());
    }
    if (row.cost().high() != null) {
      out.append(" (at most ").append(Format.number(row.cost().high())).append(')');
    }
    if (Boolean.FALSE.equals(row.timing().settled())) {
      out.append("  unsettled");
    }
    return out.append(Boolean.TRUE.equals(row.timing().noisy()) ? "  noisy" : "").toString();
  }

  private static String words(Row row) {
    Cost c = row.cost();
    StringBuilder out = new StringBuilder(row.what());
    if (c.error() != null) {
      out.append(": error ").append(Format.number(c.error()));
      out.append(c.error() <= c.bound() ? " <= " : " EXCEEDS ").append(Format.number(c.bound()));
    }
    if (c.value() != null) {
      out.append(": ").append(Format.number(c.value())).append(' ').append(c.unit());
    }
    if (c.bytes() != null) {
      out.append(": ").append(Format.bytes(c.bytes())).append(" by formula, ");
      out.append(Format.bytes(c.bytesAllocated())).append(" allocated");
    }
    if (row.kind() == Row.Kind.SKIPPED || row.kind() == Row.Kind.PEAK) {
      out.append(", T ").append(row.workload().nPrompt());
    }
    Integer depth = row.workload().nDepth();
    return out.append(depth == null ? "" : ", depth " + depth).toString();
  }

  private static String form(Workload w) {
    return w.form() == null ? "" : w.form();
  }

  private static String plain(Integer number) {
    return number == null ? "" : number.toString();
  }
}
