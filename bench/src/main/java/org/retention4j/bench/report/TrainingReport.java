package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.measure.Statistics.Interval;
import org.retention4j.bench.report.Row.Kind;

/** What a run of training says: four mixers in one stack, by the length of rows. */
public final class TrainingReport {
  /** Forms and what they are called, in the order of tables. */
  private static final Map<String, String> MIXERS = new LinkedHashMap<>();

  static {
    MIXERS.put("chunkwise", "retention, chunkwise");
    MIXERS.put("parallel", "retention, parallel");
    MIXERS.put("tiled", "attention, tiled");
    MIXERS.put("materialised", "attention, materialised");
  }

  private static final List<String> SHAPES = List.of("D 256", "D 2048");
  private static final long SEED = 1;

  private TrainingReport() {}

  /** Returns whether rows are those of such a run. */
  static boolean isOf(Results results) {
    return !results.rows(Kind.TRAINING).isEmpty() || !results.rows(Kind.SKIPPED).isEmpty();
  }

  /** Makes the report. */
  public static Report of(Results results) {
    List<Table> tables = new ArrayList<>();
    if (results.equal()) {
      tables.add(ReportTables.verdicts(TrainingVerdicts.of(results)));
      tables.addAll(overviews(results));
    }
    tables.add(ReportTables.environment(results.machine()));
    if (results.equal()) {
      tables.add(ReportTables.ceilings(results));
    }
    tables.add(ReportTables.equivalence(results));
    if (results.equal()) {
      tables.add(ReportTables.timings(results));
    }
    return new Report(
        "Retention4J: training, retention against attention",
        results.equal() ? sentences(results) : List.of("Two mixers that must be equal are NOT."),
        "Whole steps, forwards, back and AdamW, in fp32" + Report.protocol(results),
        tables,
        plots(results),
        results);
  }

  /** Returns the verdicts in short, for a terminal. */
  public static Table verdictsInShort(Results results) {
    return ReportTables.verdictsInShort(TrainingVerdicts.of(results));
  }

  /** Returns the tables of a document. */
  static String markdown(Results results, int level) {
    StringBuilder out = new StringBuilder(verdictsInShort(results).markdown(level));
    overviews(results).forEach(table -> out.append(table.markdown(level)));
    return out.toString();
  }

  private static List<Table> overviews(Results results) {
    return List.of(claims(results), speeds(results), memory(results));
  }

  private static List<Integer> lengths(Results results, String shape) {
    return results.rows().stream()
        .filter(row -> row.kind() == Kind.TRAINING || row.kind() == Kind.SKIPPED)
        .filter(row -> row.scope().equals(shape))
        .map(row -> row.workload().nPrompt())
        .distinct()
        .sorted()
        .toList();
  }

  private static Optional<Row> row(Results results, String shape, String form, int tokens) {
    return results.rows(Kind.TRAINING, shape, form).stream()
        .filter(row -> row.workload().nPrompt() == tokens)
        .findFirst();
  }

  /** Returns chunkwise retention against each of the others: time, operations, bytes. */
  private static Table claims(Results results) {
    List<List<String>> rows = new ArrayList<>();
    for (String shape : SHAPES) {
      for (int tokens : lengths(results, shape)) {
        Optional<Row> own = row(results, shape, "chunkwise", tokens);
        if (own.isPresent()) {
          List<String> cells = new ArrayList<>(List.of(shape, Format.count(tokens)));
          for (String form : List.of("tiled", "materialised", "parallel")) {
            Optional<Row> other = row(results, shape, form, tokens);
            cells.add(other.map(row -> faster(row, own.get())).orElse("–"));
            cells.add(other.map(row -> Format.ratio(fewer(row, own.get()))).orElse("–"));
          }
          for (String form : List.of("tiled", "materialised")) {
            Optional<Row> other = row(results, shape, form, tokens);
            cells.add(other.map(row -> less(row, own.get())).orElse("–"));
          }
          rows.add(cells);
        }
      }
    }
    return new Table(
        "Chunkwise retention against the others, a step of training",
        "Speed: its tokens/s over theirs, by pairs of turns, in brackets the 95 % interval; beside"
            + " it what operations alone give. Above 1 it is faster. Less memory: held in all,"
            + " weights, gradients and moments included; below 0 it holds more.",
        List.of(
            "shape",
            "T",
            "over tiled",
            "by FLOPs",
            "over materialised",
            "by FLOPs",
            "over parallel",
            "by FLOPs",
            "less memory than tiled",
            "than materialised"),
        rows);
  }

  private static String faster(Row other, Row own) {
    double[] theirs = Statistics.doubles(other.timing().samplesNs());
    double[] ours = Statistics.doubles(own.timing().samplesNs());
    Interval ratio = Statistics.ratioOfPairs(theirs, ours, SEED);
    if (theirs.length < 2) {
      return Format.ratio(ratio.median());
    }
    return String.format(
        Locale.ROOT, "%.2f (%.2f–%.2f)", ratio.median(), ratio.low(), ratio.high());
  }

  private static double fewer(Row other, Row own) {
    return other.cost().flops() / own.cost().flops();
  }

  private static double lessMemory(Row other, Row own) {
    return 1 - own.cost().bytesAllocated() / other.cost().bytesAllocated();
  }

  private static String less(Row other, Row own) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * lessMemory(other, own)).replace("-0 ", "0 ");
  }

  private static Table speeds(Results results) {
    return byLength(
        results,
        "Tokens per second, and the share of the bare products' FLOP/s",
        "FLOPs are those of each mixer's way of computing: attention's with scores that are computed"
            + " twice (tiled) or above the diagonal (materialised).",
        row ->
            Format.number(row.timing().tokensPerSecond())
                + " · "
                + Format.ratio(row.cost().share()));
  }

  private static Table memory(Results results) {
    return byLength(
        results,
        "Memory of a step: held by the library / by formula / of the process",
        "Of the process: by how much its memory without mapped files was larger at the peak than"
            + " before the trainer was made, when what was free had been given back.",
        row ->
            Format.bytes(row.cost().bytesAllocated())
                + " / "
                + Format.bytes(row.cost().bytes())
                + " / "
                + Format.bytes(row.cost().value() * 1e6));
  }

  private static Table byLength(
      Results results, String title, String note, Function<Row, String> cell) {
    List<Integer> lengths =
        SHAPES.stream()
            .flatMap(shape -> lengths(results, shape).stream())
            .distinct()
            .sorted()
            .toList();
    List<String> headers = new ArrayList<>(List.of("shape", "mixer"));
    lengths.forEach(length -> headers.add("T = " + length));
    List<List<String>> rows = new ArrayList<>();
    for (String shape : SHAPES) {
      MIXERS.forEach(
          (form, name) -> {
            List<String> cells = new ArrayList<>(List.of(shape, name));
            for (int tokens : lengths) {
              cells.add(
                  row(results, shape, form, tokens)
                      .map(cell)
                      .orElse(skipped(results, shape, form, tokens)));
            }
            rows.add(cells);
          });
    }
    return new Table(title, note, headers, rows);
  }

  private static String skipped(Results results, String shape, String form, int tokens) {
    return results.rows(Kind.SKIPPED, shape, form).stream()
        .filter(row -> row.workload().nPrompt() == tokens)
        .findFirst()
        .map(row -> row.what().contains("GB") ? "skipped: memory" : "skipped: time")
        .orElse("–");
  }

  /** Says what becomes of the claims that training is 7 times faster and takes less memory. */
  private static List<String> sentences(Results results) {
    List<String> all = new ArrayList<>();
    for (String shape : SHAPES) {
      for (String form : List.of("materialised", "tiled")) {
        List<String> parts = new ArrayList<>();
        for (int tokens : lengths(results, shape)) {
          Optional<Row> own = row(results, shape, "chunkwise", tokens);
          Optional<Row> other = row(results, shape, form, tokens);
          if (own.isPresent() && other.isPresent()) {
            parts.add(
                String.format(
                    Locale.ROOT,
                    "%s at T %,d (%s memory)",
                    Headline.compared(
                        own.get().timing().tokensPerSecond()
                            / other.get().timing().tokensPerSecond()),
                    tokens,
                    lessOrMore(lessMemory(other.get(), own.get()))));
          }
        }
        if (!parts.isEmpty()) {
          all.add(
              "Training, "
                  + shape
                  + ", chunkwise retention against "
                  + form
                  + " attention: "
                  + String.join("; ", parts)
                  + ".");
        }
      }
    }
    if (!results.rows(Kind.SKIPPED).isEmpty()) {
      all.add(
          "Not measured, for want of time or memory: "
              + results.rows(Kind.SKIPPED).size()
              + " rows, which say why.");
    }
    return all;
  }

  private static String lessOrMore(double less) {
    return String.format(
        Locale.ROOT, "%.0f %% %s", 100 * Math.abs(less), less >= 0 ? "less" : "more");
  }

  private static List<Plot> plots(Results results) {
    List<Plot> all = new ArrayList<>();
    for (String shape : SHAPES) {
      List<Integer> lengths = lengths(results, shape);
      if (!lengths.isEmpty()) {
        String id = shape.replace(" ", "");
        all.add(
            plot(
                results,
                shape,
                lengths,
                "speed" + id,
                "tokens per second",
                row -> row.timing().tokensPerSecond(),
                null));
        all.add(
            plot(
                results,
                shape,
                lengths,
                "memory" + id,
                "megabytes",
                row -> row.cost().bytesAllocated() / 1e6,
                row -> row.cost().bytes() / 1e6));
      }
    }
    return all;
  }

  private static Plot plot(
      Results results,
      String shape,
      List<Integer> lengths,
      String id,
      String unit,
      Function<Row, Double> measured,
      Function<Row, Double> formula) {
    List<Plot.Series> series = new ArrayList<>();
    MIXERS.forEach(
        (form, name) -> {
          if (formula != null) {
            series.add(
                new Plot.Series(
                    name + ", by formula", values(results, shape, form, lengths, formula), true));
          }
          series.add(new Plot.Series(name, values(results, shape, form, lengths, measured), false));
        });
    String what = formula == null ? "Speed of a step of training, " : "Memory of a step, ";
    return new Plot(
        id,
        what + shape,
        "line",
        "tokens of a row",
        unit,
        true,
        lengths.stream().map(Format::count).toList(),
        lengths,
        series);
  }

  private static List<Double> values(
      Results results,
      String shape,
      String form,
      List<Integer> lengths,
      Function<Row, Double> figure) {
    List<Double> values = new ArrayList<>();
    for (int tokens : lengths) {
      values.add(row(results, shape, form, tokens).map(figure).orElse(null));
    }
    return values;
  }
}
