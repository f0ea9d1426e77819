package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.retention4j.bench.report.Row.Kind;

/** The tables of a report, made from rows alone. */
public final class ReportTables {
  private ReportTables() {}

  /** Returns the verdicts. */
  public static Table verdicts(List<Verdict> verdicts) {
    List<List<String>> rows = new ArrayList<>();
    for (Verdict v : verdicts) {
      Double distance =
          v.measured() == null || v.target() == 0
              ? null
              : Double.valueOf(v.measured() / v.target());
      rows.add(
          List.of(
              v.what(),
              v.targetText(),
              Format.number(v.measured()),
              Format.ratio(distance),
              v.outcome(),
              v.detail(),
              v.ceiling()));
    }
    String note =
        Verdicts.comparisonValid(verdicts)
            ? "Shares are medians over ceilings that were measured in the same run."
            : "The Transformer layer misses its own target: comparisons with it are INVALID here.";
    return new Table(
        "Targets",
        note,
        List.of(
            "figure", "target", "measured", "measured / target", "verdict", "values", "ceiling"),
        rows);
  }

  /** Returns the verdicts without their ceilings, for a terminal. */
  public static Table verdictsInShort(List<Verdict> verdicts) {
    List<List<String>> rows = new ArrayList<>();
    for (Verdict v : verdicts) {
      rows.add(
          List.of(v.outcome(), Format.number(v.measured()), v.targetText(), v.what(), v.detail()));
    }
    return new Table(
        "Targets", null, List.of("verdict", "measured", "target", "figure", "values"), rows);
  }

  /** Returns prefill speed by length, a line per contender. */
  public static Table prefillOverview(Results results) {
    List<Integer> lengths = results.lengths();
    List<String> headers = new ArrayList<>(List.of("tokens/s"));
    lengths.forEach(length -> headers.add("T = " + length));
    List<List<String>> rows = new ArrayList<>();
    for (String[] subject : Subjects.PREFILL) {
      List<String> cells = new ArrayList<>(List.of(subject[0]));
      for (int length : lengths) {
        Optional<Row> row = results.prefill(subject[1], subject[2], length);
        cells.add(row.map(r -> Format.number(r.timing().tokensPerSecond())).orElse("–"));
      }
      rows.add(cells);
    }
    return new Table("Prefill, tokens per second", null, headers, rows);
  }

  /** Returns decode latency and memory by depth. */
  public static Table decodeOverview(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (int depth : results.depths()) {
      Optional<Row> retention = results.decode("recurrent", depth);
      Optional<Row> attention = results.decode("attention", depth);
      if (retention.isEmpty() || attention.isEmpty()) {
        continue;
      }
      double ratio = attention.get().timing().median() / retention.get().timing().median();
      rows.add(
          List.of(
              Format.count(depth),
              Format.time(retention.get().timing().median()),
              Format.time(attention.get().timing().median()),
              Format.ratio(ratio),
              Format.ratio(attention.get().cost().bytes() / retention.get().cost().bytes()),
              memory(results, "recurrent", depth),
              memory(results, "attention", depth)));
    }
    return new Table(
        "Decoding one token at a depth",
        "A ratio above 1 says that retention is faster. Predicted: bytes that each must move.",
        List.of(
            "depth",
            "retention layer",
            "Transformer layer",
            "ratio measured",
            "ratio predicted",
            "state",
            "cache"),
        rows);
  }

  private static String memory(Results results, String form, int depth) {
    return results.rows(Kind.MEMORY, "layer", form).stream()
        .filter(r -> r.workload().nDepth() != null && r.workload().nDepth() == depth)
        .map(r -> Format.bytes(r.cost().bytes()))
        .findFirst()
        .orElse("–");
  }

  /** Returns the core step rows. */
  public static Table coreSteps(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Row row : results.rows(Kind.CORE_STEP)) {
      Cost c = row.cost();
      rows.add(
          List.of(
              row.what(),
              Format.count(row.workload().nBatch()),
              Format.time(row.timing().median()),
              Format.time(row.timing().p99()),
              Format.number(c.gbps()),
              Format.number(c.gbpsMoved()),
              Format.number(c.ceiling()),
              Format.ratio(c.share()),
              Format.text(c.ceilingName())));
    }
    return new Table(
        "The recurrent core over the states of 24 layers",
        "GB/s counts 2 x state by formula; a decoder that folds every 16 tokens moves fewer bytes,"
            + " which the next column counts. p99 is over single tokens, folds included.",
        List.of(
            "provider",
            "batch",
            "one token",
            "p99",
            "GB/s by formula",
            "GB/s moved",
            "ceiling GB/s",
            "share",
            "ceiling"),
        rows);
  }

  /** Returns the comparison of forms. */
  public static Table equivalence(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Row row : results.rows(Kind.EQUIVALENCE)) {
      boolean equal = row.cost().error() <= row.cost().bound();
      rows.add(
          List.of(
              row.scope(),
              row.workload().form(),
              row.what(),
              Format.number(row.cost().error()),
              Format.number(row.cost().bound()),
              equal ? "equal" : "NOT EQUAL"));
    }
    return new Table(
        "The forms are equal",
        "Relative error ‖a−b‖/‖b‖ in fp32 on the weights that are timed, per head; a single token at"
            + " most four times its bound.",
        List.of("scope", "form", "compared", "error", "bound", ""),
        rows);
  }

  /** Returns the ceilings. */
  public static Table ceilings(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Row row : results.rows(Kind.CEILING)) {
      rows.add(
          List.of(
              row.what(),
              Format.number(row.cost().value()),
              row.cost().unit(),
              Format.text(row.note()),
              disturbance(row.timing())));
    }
    return new Table(
        "Ceilings measured in this run",
        "A row is held to the best way, or to what was measured by turns with it, whichever is"
            + " more.",
        List.of("what", "figure", "unit", "note", "noise"),
        rows);
  }

  /** Returns memory, allocation and peaks. */
  public static Table memory(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Kind kind : List.of(Kind.MEMORY, Kind.PEAK, Kind.ALLOCATION)) {
      for (Row row : results.rows(kind)) {
        Integer at =
            row.workload().nDepth() == null ? row.workload().nPrompt() : row.workload().nDepth();
        rows.add(
            List.of(
                row.what(),
                row.workload().form(),
                Format.count(at),
                Format.bytes(row.cost().bytes()),
                Format.text(row.cost().bytesFormula()),
                Format.bytes(row.cost().bytesAllocated()),
                Format.text(row.note())));
      }
    }
    return new Table(
        "Memory",
        null,
        List.of("what", "form", "tokens", "by formula", "formula", "as allocated", "note"),
        rows);
  }

  /** Returns every timed row with its formulas. */
  public static Table timings(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Row row : results.rows()) {
      if (row.timing().median() == null || row.kind() == Kind.CEILING) {
        continue;
      }
      Workload w = row.workload();
      Timing t = row.timing();
      Cost c = row.cost();
      String formula = c.flopsFormula() == null ? c.bytesFormula() : c.flopsFormula();
      rows.add(
          List.of(
              row.kind().label() + " " + row.scope(),
              w.form() + (w.chunk() == null ? "" : " " + w.chunk()),
              Format.count(w.nPrompt()),
              Format.count(w.nDepth()),
              Format.count(w.nBatch()),
              Format.time(t.median()),
              Format.time(t.iqr()),
              Format.time(t.p95()),
              Format.count(t.repeats()),
              Format.number(c.gflops()),
              Format.number(c.gbps()),
              Format.ratio(c.share()),
              Format.text(formula),
              Format.text(w.dtypes()),
              Format.count(t.gcCount()),
              disturbance(t),
              Format.text(row.note())));
    }
    return new Table(
        "All timed rows",
        "Useful FLOPs: a multiply-add counts as two, upper triangles are not counted.",
        List.of(
            "row",
            "form",
            "T",
            "depth",
            "batch",
            "median",
            "IQR",
            "p95",
            "samples",
            "GFLOP/s",
            "GB/s",
            "share",
            "formula",
            "operands",
            "GC",
            "noise",
            "note"),
        rows);
  }

  private static String disturbance(Timing t) {
    String noise = Boolean.TRUE.equals(t.noisy()) ? "NOISY" : "";
    return Boolean.FALSE.equals(t.settled()) ? (noise + " unsettled").strip() : noise;
  }

  /** Returns the chunk sweep. */
  public static Table chunks(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (Row row : results.rows(Kind.CHUNK_SWEEP)) {
      rows.add(
          List.of(
              Format.count(row.workload().chunk()),
              Format.number(row.timing().tokensPerSecond()),
              Format.number(row.cost().gflops()),
              Format.text(row.note())));
    }
    return new Table(
        "Chunk size, core without projections",
        null,
        List.of("C", "tokens/s", "GFLOP/s", "note"),
        rows);
  }

  /** Returns where the rows were measured. */
  public static Table environment(Machine m) {
    return new Table(
        "Environment",
        null,
        List.of("", "value"),
        List.of(
            List.of("commit", m.commit()),
            List.of("JDK", m.jdk()),
            List.of("oneDNN", m.onednn()),
            List.of("instruction set of oneDNN", m.isa()),
            List.of("processor", m.cpu()),
            List.of("architecture", m.arch()),
            List.of("system", m.os()),
            List.of("threads", Integer.toString(m.threads())),
            List.of("largest heap", Format.bytes((double) m.heapMax()))));
  }
}
