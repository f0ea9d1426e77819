package org.retention4j.train.run;

import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.retention4j.train.StepResult;
import org.retention4j.train.tensor.TensorReport;

/**
 * Stops a run whose loss rises by a nat above the lowest it had, smoothed over some fifty steps, or
 * in which a number is not finite.
 */
final class DivergenceGuard {
  private static final double KEPT = 0.96;
  private static final double NATS = 1;

  /** Mean losses are looked at from so many steps on. */
  private static final long FIRST = 50;

  private long count;
  private double sum;
  private double weight;
  private double lowest = Double.POSITIVE_INFINITY;

  /** What goes into a checkpoint, so that a run that goes on stops where it would have stopped. */
  record Memory(long count, double sum, double weight, double lowest) {}

  Memory memory() {
    return new Memory(count, sum, weight, lowest);
  }

  void restore(Memory memory) {
    count = memory.count();
    sum = memory.sum();
    weight = memory.weight();
    lowest = memory.lowest();
  }

  /**
   * Looks at a step.
   *
   * @param reports asked for the tensor at fault
   * @throws DivergedException if the run is to stop
   */
  void accept(StepResult result, Supplier<List<TensorReport>> reports) {
    if (!Double.isFinite(result.loss())) {
      throw stopped(result, "the loss is " + result.loss());
    }
    if (!Double.isFinite(result.gradientNorm())) {
      throw stopped(
          result, "the norm of the gradient is " + result.gradientNorm() + first(reports.get()));
    }
    count++;
    sum = KEPT * sum + (1 - KEPT) * result.loss();
    weight = KEPT * weight + 1 - KEPT;
    double smoothed = sum / weight;
    if (count < FIRST) {
      return;
    }
    lowest = Math.min(lowest, smoothed);
    if (smoothed > lowest + NATS) {
      String what =
          String.format(
              Locale.ROOT,
              "the smoothed loss is %.3f nats, %.3f above its lowest, %.3f",
              smoothed,
              smoothed - lowest,
              lowest);
      throw stopped(result, what);
    }
  }

  private static String first(List<TensorReport> reports) {
    return reports.stream()
        .filter(report -> !Double.isFinite(report.gradientNorm()))
        .findFirst()
        .map(report -> ", first of " + report.name())
        .orElse("");
  }

  private static DivergedException stopped(StepResult result, String what) {
    return new DivergedException(
        String.format(
            Locale.ROOT,
            "stopped at step %d, for %s, at a rate of %.3g; the checkpoint before stays: begin anew"
                + " with a lower rate, in another folder",
            result.step(),
            what,
            result.rate()));
  }
}
