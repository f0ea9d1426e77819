package org.retention4j.bench.report;

/**
 * One figure against its target.
 *
 * @param what the figure
 * @param target what it must reach
 * @param atLeast whether the target is a lower bound
 * @param plausible above this the ceiling itself must have been disturbed
 * @param measured the figure, null when it was not measured
 * @param ceiling what it was held to
 * @param detail measured values behind it, or why it was not measured
 */
public record Verdict(
    String what,
    double target,
    boolean atLeast,
    double plausible,
    Double measured,
    String ceiling,
    String detail) {

  /** Nothing is known of what is plausible. */
  public Verdict(
      String what, double target, boolean atLeast, Double measured, String ceiling, String detail) {
    this(what, target, atLeast, Double.POSITIVE_INFINITY, measured, ceiling, detail);
  }

  /** Returns reached, missed, disturbed or not measured. */
  public String outcome() {
    if (measured == null || measured.isNaN()) {
      return "not measured";
    }
    if (measured > plausible) {
      return "disturbed";
    }
    boolean reached = atLeast ? measured >= target : measured <= target;
    return reached ? "reached" : "missed";
  }

  /** Returns the target with its direction. */
  public String targetText() {
    return (atLeast ? "≥ " : "≤ ") + Format.number(target);
  }
}
