package org.retention4j.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.retention4j.bench.report.Row.Kind;

/** The plots of a layer against a Transformer's. */
final class LayerPlots {
  private LayerPlots() {}

  static List<Plot> of(Results results) {
    return List.of(decode(results), prefill(results), memory(results), coreStep(results));
  }

  private static Plot decode(Results results) {
    List<Integer> depths = results.depths();
    return new Plot(
        "decode",
        "Time for one more token, by depth",
        "line",
        "tokens so far",
        "milliseconds",
        true,
        labels(depths),
        List.of(
            new Plot.Series(
                "retention layer",
                byDepth(results, "recurrent", r -> r.timing().median() / 1e6),
                false),
            new Plot.Series(
                "Transformer layer",
                byDepth(results, "attention", r -> r.timing().median() / 1e6),
                false)));
  }

  private static List<Double> byDepth(Results results, String form, ToDoubleFunction<Row> figure) {
    List<Double> values = new ArrayList<>();
    for (int depth : results.depths()) {
      values.add(results.decode(form, depth).map(figure::applyAsDouble).orElse(null));
    }
    return values;
  }

  private static Plot prefill(Results results) {
    List<Plot.Series> series = new ArrayList<>();
    for (String[] subject : Subjects.PREFILL) {
      if (subject[1].equals("layer")) {
        List<Double> values = new ArrayList<>();
        for (int length : results.lengths()) {
          values.add(
              results
                  .prefill("layer", subject[2], length)
                  .map(r -> r.timing().tokensPerSecond())
                  .orElse(null));
        }
        series.add(new Plot.Series(subject[0], values, false));
      }
    }
    return new Plot(
        "prefill",
        "Reading a prompt, by its length",
        "line",
        "tokens of the prompt",
        "tokens per second",
        false,
        labels(results.lengths()),
        series);
  }

  private static Plot memory(Results results) {
    List<Integer> depths = results.depths();
    List<Plot.Series> series = new ArrayList<>();
    for (String form : List.of("recurrent", "attention")) {
      String name = form.equals("attention") ? "key/value cache" : "retention state";
      List<Double> formula = new ArrayList<>();
      List<Double> allocated = new ArrayList<>();
      for (int depth : depths) {
        Row row =
            results.rows(Kind.MEMORY, "layer", form).stream()
                .filter(r -> r.workload().nDepth() != null && r.workload().nDepth() == depth)
                .findFirst()
                .orElse(null);
        formula.add(row == null || row.cost().bytes() == 0 ? null : row.cost().bytes() / 1e6);
        allocated.add(row == null ? null : row.cost().bytesAllocated() / 1e6);
      }
      series.add(new Plot.Series(name + ", by formula", formula, true));
      series.add(new Plot.Series(name + ", allocated", allocated, false));
    }
    return new Plot(
        "memory",
        "Memory of the text, per layer",
        "line",
        "tokens so far",
        "megabytes",
        true,
        labels(depths),
        series);
  }

  private static Plot coreStep(Results results) {
    List<String> labels = new ArrayList<>();
    List<Double> formula = new ArrayList<>();
    List<Double> moved = new ArrayList<>();
    List<Double> ceiling = new ArrayList<>();
    for (Row row : results.rows(Kind.CORE_STEP)) {
      labels.add("B=" + row.workload().nBatch() + ", " + row.workload().provider());
      formula.add(row.cost().gbps());
      moved.add(row.cost().gbpsMoved());
      ceiling.add(row.cost().ceiling());
    }
    return new Plot(
        "core",
        "The recurrent core against memory bandwidth",
        "bar",
        "",
        "GB/s",
        false,
        labels,
        List.of(
            new Plot.Series("2 x state, by formula", formula, false),
            new Plot.Series("really moved", moved, false),
            new Plot.Series("ceiling: scaling in place", ceiling, false)));
  }

  private static List<String> labels(List<Integer> numbers) {
    return numbers.stream().map(Format::count).toList();
  }
}
