package org.retention4j.train.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Points from left to right.
 *
 * @param name in the legend
 * @param style class of the style sheet
 * @param points where a value is not finite the curve has a gap
 */
record Curve(String name, String style, List<Point> points) {
  /** As many points as a chart can show. */
  private static final int MOST = 600;

  /** A point; its units are those of the chart's axes. */
  record Point(double x, double y) {
    boolean isFinite() {
      return Double.isFinite(x) && Double.isFinite(y);
    }
  }

  /** Returns the curve with neighbours averaged until no more are left than can be seen. */
  Curve averaged() {
    return thinned(false);
  }

  /** Returns the curve with the largest of neighbours kept, so that no peak is lost. */
  Curve peaks() {
    return thinned(true);
  }

  private Curve thinned(boolean peaks) {
    int each = (points.size() + MOST - 1) / MOST;
    if (each <= 1) {
      return this;
    }
    List<Point> thin = new ArrayList<>();
    for (int from = 0; from < points.size(); from += each) {
      List<Point> some = points.subList(from, Math.min(points.size(), from + each));
      double y =
          some.stream()
              .mapToDouble(Point::y)
              .filter(Double::isFinite)
              .reduce(peaks ? Math::max : Double::sum)
              .orElse(Double.NaN);
      long finite = some.stream().filter(point -> Double.isFinite(point.y())).count();
      thin.add(new Point(some.get(some.size() - 1).x(), peaks ? y : y / finite));
    }
    return new Curve(name, style, thin);
  }

  /** Returns the stretches between gaps. */
  List<List<Point>> stretches() {
    List<List<Point>> stretches = new ArrayList<>();
    List<Point> stretch = new ArrayList<>();
    for (Point point : points) {
      if (point.isFinite()) {
        stretch.add(point);
      } else if (!stretch.isEmpty()) {
        stretches.add(stretch);
        stretch = new ArrayList<>();
      }
    }
    if (!stretch.isEmpty()) {
      stretches.add(stretch);
    }
    return stretches;
  }
}
