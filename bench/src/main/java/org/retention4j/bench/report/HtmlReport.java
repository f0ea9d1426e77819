package org.retention4j.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

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
    parts.put("{{figures}}", figures(report.plots()));
    // "</" would end the script element that the data stands in.
    parts.put("{{data}}", RowLines.line(report.plots()).replace("</", "<\\/"));
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
    parts.put("{{figures}}", "");
    parts.put("{{data}}", "[]");
    parts.put("{{charts}}", "");
    parts.put("{{plots}}", "");
    return fill(resource(PAGE), parts);
  }

  private static String figures(List<Plot> plots) {
    StringBuilder out = new StringBuilder();
    for (Plot plot : plots) {
      out.append("  <figure><figcaption id=\"")
          .append(plot.id())
          .append("-title\"></figcaption><div><canvas id=\"")
          .append(plot.id())
          .append("\"></canvas></div></figure>\n");
    }
    return out.toString();
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
}
