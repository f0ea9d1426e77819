package org.retention4j.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.retention4j.bench.report.Row.Kind;

/** Writes a report as one HTML file that holds its plots and needs no network. */
public final class HtmlReport {
  private static final String PAGE = "/org/retention4j/bench/report.html";
  private static final String PLOTS = "/org/retention4j/bench/plots.js";
  private static final String CHARTS = "/META-INF/resources/webjars/chart.js/%s/dist/chart.umd.js";
  private static final String CHARTS_VERSION =
      "/META-INF/maven/org.webjars.npm/chart.js/pom.properties";

  private HtmlReport() {}

  /** Returns the page. */
  public static String page(Report report) {
    StringBuilder summary = new StringBuilder();
    for (String sentence : report.sentences()) {
      int colon = sentence.indexOf(':');
      boolean titled = colon > 0 && colon < 90;
      summary.append("<li>");
      if (titled) {
        summary.append("<b>").append(Table.escape(sentence.substring(0, colon + 1))).append("</b>");
      }
      summary
          .append(Table.escape(titled ? sentence.substring(colon + 1) : sentence))
          .append("</li>\n");
    }
    StringBuilder first = new StringBuilder();
    StringBuilder rest = new StringBuilder();
    boolean measured = report.results().equal();
    for (Table table : report.tables()) {
      (measured && first.length() == 0 ? first : rest).append(table.html());
    }
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("{{title}}", Table.escape(report.title()));
    parts.put("{{summary}}", summary.toString());
    parts.put("{{protocol}}", Table.escape(report.protocol()));
    parts.put("{{verdicts}}", first.toString());
    parts.put("{{tables}}", rest.toString());
    parts.put("{{hidden}}", measured ? "" : "hidden");
    // "</" would end the script element that the data stands in.
    parts.put("{{data}}", RowLines.line(plots(report.results())).replace("</", "<\\/"));
    parts.put("{{charts}}", measured ? resource(chartsPath()) : "");
    parts.put("{{plots}}", measured ? resource(PLOTS) : "");
    return fill(resource(PAGE), parts);
  }

  /** Returns a page of tables without plots. */
  public static String page(String title, String protocol, List<Table> tables) {
    StringBuilder rest = new StringBuilder();
    tables.forEach(table -> rest.append(table.html()));
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("{{title}}", Table.escape(title));
    parts.put("{{summary}}", "");
    parts.put("{{protocol}}", Table.escape(protocol));
    parts.put("{{verdicts}}", "");
    parts.put("{{tables}}", rest.toString());
    parts.put("{{hidden}}", "hidden");
    parts.put("{{data}}", "[]");
    parts.put("{{charts}}", "");
    parts.put("{{plots}}", "");
    return fill(resource(PAGE), parts);
  }

  /** Replaces each placeholder once, so that inserted text is not looked at again. */
  private static String fill(String page, Map<String, String> parts) {
    StringBuilder out = new StringBuilder();
    int from = 0;
    for (int at = page.indexOf("{{"); at >= 0; at = page.indexOf("{{", from)) {
      int end = page.indexOf("}}", at) + 2;
      out.append(page, from, at).append(parts.get(page.substring(at, end)));
      from = end;
    }
    return out.append(page.substring(from)).toString();
  }

  private static String chartsPath() {
    java.util.Properties properties = new java.util.Properties();
    try (InputStream in = HtmlReport.class.getResourceAsStream(CHARTS_VERSION)) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return String.format(Locale.ROOT, CHARTS, properties.getProperty("version"));
  }

  private static String resource(String path) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("the resource " + path + " is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A plot.
   *
   * @param id of its canvas
   * @param title above it
   * @param kind line or bar
   * @param x name of the horizontal axis
   * @param y name of the vertical axis
   * @param logarithmic whether the vertical axis is
   * @param labels along the horizontal axis
   * @param series curves
   */
  record Plot(
      String id,
      String title,
      String kind,
      String x,
      String y,
      boolean logarithmic,
      List<String> labels,
      List<Series> series) {}

  /**
   * A curve.
   *
   * @param name in the legend
   * @param values one per label, null where there is none
   * @param dashed whether it was computed and not measured
   */
  record Series(String name, List<Double> values, boolean dashed) {}

  static List<Plot> plots(Results results) {
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
            new Series(
                "retention layer",
                byDepth(results, "recurrent", r -> r.timing().median() / 1e6),
                false),
            new Series(
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
    List<Series> series = new ArrayList<>();
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
        series.add(new Series(subject[0], values, false));
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
    List<Series> series = new ArrayList<>();
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
      series.add(new Series(name + ", by formula", formula, true));
      series.add(new Series(name + ", allocated", allocated, false));
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
            new Series("2 x state, by formula", formula, false),
            new Series("really moved", moved, false),
            new Series("ceiling: scaling in place", ceiling, false)));
  }

  private static List<String> labels(List<Integer> numbers) {
    return numbers.stream().map(Format::count).toList();
  }
}
