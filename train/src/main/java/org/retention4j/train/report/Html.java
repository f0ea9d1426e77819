package org.retention4j.train.report;

import java.util.List;
import org.retention4j.args.Shown;

/** Parts of a page. */
final class Html {
  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>%s</title>
      <style>
        :root { --ink: #1c2330; --soft: #5b6576; --line: #dfe3ea; --accent: #0b6e99; --wash: #f5f7fa; }
        body { margin: 0; color: var(--ink); background: #fff;
               font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
        main { max-width: 1240px; margin: 0 auto; padding: 20px 24px 60px; }
        h1 { font-size: 26px; margin: 0 0 8px; }
        h2 { font-size: 18px; margin: 34px 0 8px; }
        .summary { background: var(--wash); border-left: 4px solid var(--accent);
                   padding: 8px 20px 8px 38px; margin: 0 0 18px; }
        .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 18px; }
        figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; }
        figcaption { font-weight: 600; }
        svg { width: 100%; height: auto; display: block; }
        svg text { font-size: 11px; fill: var(--soft); }
        svg path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
        .grid { stroke: var(--line); }
        .rung { stroke: #b9a26a; stroke-dasharray: 5 4; }
        .entropy { stroke: #13713c; stroke-dasharray: 2 3; stroke-width: 1.6; }
        path.first { stroke: #0b6e99; } circle.first { fill: #0b6e99; }
        path.second { stroke: #d1495b; stroke-width: 2.2; } circle.second { fill: #d1495b; }
        .legend { margin: 2px 0 0; font-size: 13px; color: var(--soft); }
        .legend span { border-bottom: 3px solid; margin-right: 14px; }
        .legend .first { border-color: #0b6e99; } .legend .second { border-color: #d1495b; }
        table { border-collapse: collapse; font-size: 13px; }
        th, td { text-align: left; padding: 4px 10px; border-bottom: 1px solid var(--line);
                 vertical-align: top; overflow-wrap: anywhere; }
        th { background: var(--wash); }
        .note { color: var(--soft); font-size: 13px; margin: 6px 0 0; }
      </style>
      </head>
      <body>
      <main>
      <h1>%s</h1>
      """;

  private Html() {}

  /** Returns a whole page. */
  static String page(String title, String body) {
    String shown = escape(title);
    return HEAD.replace("%s", shown) + body + "</main>\n</body>\n</html>\n";
  }

  /** Returns a list of sentences that stands out. */
  static String summary(List<String> sentences) {
    StringBuilder out = new StringBuilder("<ul class=\"summary\">\n");
    sentences.forEach(text -> out.append("<li>").append(escape(text)).append("</li>\n"));
    return out.append("</ul>\n").toString();
  }

  /** Returns a table below its title. */
  static String table(String title, List<String> headers, List<List<String>> rows) {
    StringBuilder out = new StringBuilder("<h2>").append(escape(title)).append("</h2>\n<table>\n");
    row(out, "th", headers);
    rows.forEach(cells -> row(out, "td", cells));
    return out.append("</table>\n").toString();
  }

  private static void row(StringBuilder out, String cell, List<String> texts) {
    out.append("<tr>");
    for (String text : texts) {
      out.append('<').append(cell).append('>').append(escape(text));
      out.append("</").append(cell).append('>');
    }
    out.append("</tr>\n");
  }

  /** Returns a small remark. */
  static String note(String text) {
    return "<p class=\"note\">" + escape(text) + "</p>\n";
  }

  /** Returns text that is safe inside an element and inside an attribute. */
  static String escape(String text) {
    return Shown.message(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
