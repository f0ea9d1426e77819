package org.retention4j.train.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.retention4j.train.report.Curve.Point;

/**
 * A chart of curves and level lines, as SVG inside a page.
 *
 * @param title above it
 * @param unit of the vertical axis
 * @param logarithmic whether the vertical axis is; else it begins at 0
 * @param curves over the tokens of the run
 * @param levels the most important first: a name that has no room is left out
 */
record Chart(
    String title, String unit, boolean logarithmic, List<Curve> curves, List<Level> levels) {
  private static final int WIDTH = 720;
  private static final int HEIGHT = 300;
  private static final int LEFT = 58;
  private static final int TOP = 14;
  private static final int BOTTOM = HEIGHT - 40;
  private static final int LINE = 12;
  private static final int MOST_DOTS = 60;

  /** A horizontal line. */
  record Level(String name, String style, double value) {}

  /** Returns the figure. */
  String html() {
    int right = WIDTH - (levels.isEmpty() ? 14 : 110);
    Axis x = Axis.of(values(Point::x).toArray(), false, true, LEFT, right);
    double[] heights =
        DoubleStream.concat(values(Point::y), levels.stream().mapToDouble(Level::value)).toArray();
    Axis y = Axis.of(heights, logarithmic, true, BOTTOM, TOP);
    StringBuilder out = new StringBuilder("<figure><figcaption>").append(Html.escape(title));
    out.append("</figcaption>\n");
    out.append(format("<svg viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, HEIGHT));
    grid(out, x, y);
    levels(out, y, right);
    curves.forEach(curve -> curve(out, curve, x, y));
    out.append("</svg>\n<p class=\"legend\">");
    for (Curve curve : curves) {
      out.append(format("<span class=\"%s\">%s</span> ", curve.style(), Html.escape(curve.name())));
    }
    return out.append("</p></figure>\n").toString();
  }

  private DoubleStream values(java.util.function.ToDoubleFunction<Point> coordinate) {
    Stream<Point> points = curves.stream().flatMap(curve -> curve.points().stream());
    return points.mapToDouble(coordinate);
  }

  private void grid(StringBuilder out, Axis x, Axis y) {
    for (double tick : y.ticks()) {
      double at = y.pixel(tick);
      line(out, "grid", x.from(), at, x.to(), at);
      text(out, "end", x.from() - 6, at + 4, Axis.label(tick));
    }
    for (double tick : x.ticks()) {
      double at = x.pixel(tick);
      line(out, "grid", at, y.from(), at, y.to());
      text(out, "middle", at, y.from() + 16, Axis.label(tick));
    }
    text(out, "middle", (x.from() + x.to()) / 2, HEIGHT - 6, "tokens");
    out.append(
        format(
            "<text text-anchor=\"middle\" transform=\"translate(12 %d) rotate(-90)\">%s</text>\n",
            (TOP + BOTTOM) / 2, Html.escape(unit)));
  }

  private void levels(StringBuilder out, Axis y, double right) {
    List<Double> taken = new ArrayList<>();
    for (Level level : levels) {
      double at = y.pixel(level.value());
      if (y.shows(level.value())) {
        line(out, level.style(), LEFT, at, right, at);
        if (taken.stream().allMatch(other -> Math.abs(other - at) >= LINE)) {
          taken.add(at);
          text(out, "start", right + 5, at + 4, level.name() + " " + Axis.label(level.value()));
        }
      }
    }
  }

  private void curve(StringBuilder out, Curve curve, Axis x, Axis y) {
    for (List<Point> stretch : shown(curve, y).stretches()) {
      StringBuilder path = new StringBuilder();
      for (Point point : stretch) {
        path.append(path.length() == 0 ? "M" : " L");
        path.append(format("%.1f %.1f", x.pixel(point.x()), y.pixel(point.y())));
      }
      out.append(format("<path class=\"%s\" d=\"%s\"/>\n", curve.style(), path));
      if (stretch.size() == 1 || curve.points().size() <= MOST_DOTS) {
        stretch.forEach(point -> dot(out, curve, point, x, y));
      }
    }
  }

  /** What a logarithmic axis cannot show is a gap. */
  private static Curve shown(Curve curve, Axis y) {
    List<Point> points =
        curve.points().stream()
            .map(point -> y.shows(point.y()) ? point : new Point(point.x(), Double.NaN))
            .toList();
    return new Curve(curve.name(), curve.style(), points);
  }

  private static void dot(StringBuilder out, Curve curve, Point point, Axis x, Axis y) {
    out.append(
        format(
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>%s: %s at %s</title>"
                + "</circle>\n",
            curve.style(),
            x.pixel(point.x()),
            y.pixel(point.y()),
            Html.escape(curve.name()),
            Axis.label(point.y()),
            Axis.label(point.x())));
  }

  private static void line(
      StringBuilder out, String style, double x1, double y1, double x2, double y2) {
    out.append(
        format(
            "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            style, x1, y1, x2, y2));
  }

  private static void text(StringBuilder out, String anchor, double x, double y, String text) {
    out.append(
        format(
            "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            anchor, x, y, Html.escape(text)));
  }

  private static String format(String format, Object... args) {
    return String.format(Locale.ROOT, format, args);
  }
}
