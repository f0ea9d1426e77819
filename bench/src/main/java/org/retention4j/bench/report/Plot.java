package org.retention4j.bench.report;

import java.util.List;

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
 * @param places of the labels on a logarithmic horizontal axis, or null for equal distances
 * @param series curves
 */
public record Plot(
    String id,
    String title,
    String kind,
    String x,
    String y,
    boolean logarithmic,
    List<String> labels,
    List<Integer> places,
    List<Series> series) {
  /** Labels at equal distances. */
  public Plot(
      String id,
      String title,
      String kind,
      String x,
      String y,
      boolean logarithmic,
      List<String> labels,
      List<Series> series) {
    this(id, title, kind, x, y, logarithmic, labels, null, series);
  }

  /**
   * A curve.
   *
   * @param name in the legend
   * @param values one per label, null where there is none
   * @param dashed whether it was computed and not measured
   */
  public record Series(String name, List<Double> values, boolean dashed) {}
}
