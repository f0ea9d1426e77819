package org.retention4j.bench.peers;

import java.util.Locale;
import java.util.function.DoubleSupplier;

/** Times steps, warm, and prints what the comparison reads. */
final class StepTimes {
  /** Before its name a line holds losses, behind it seconds. */
  static final String LOSSES = "losses";

  static final String SECONDS = "seconds";

  private static final double WARM_UP_SECONDS = 6;
  private static final double TIMED_SECONDS = 7;
  private static final int FEWEST = 3;
  private static final int COMPARED = 4;
  private static final double NANOS = 1e9;

  private StepTimes() {}

  /** Runs a step, which returns its loss, again and again. */
  static void print(DoubleSupplier step) {
    StringBuilder losses = new StringBuilder(LOSSES);
    long start = System.nanoTime();
    for (int i = 0; i < COMPARED || (System.nanoTime() - start) / NANOS < WARM_UP_SECONDS; i++) {
      double loss = step.getAsDouble();
      if (i < COMPARED) {
        losses.append(String.format(Locale.ROOT, " %.7f", loss));
      }
    }
    System.out.println(losses);
    StringBuilder seconds = new StringBuilder(SECONDS);
    start = System.nanoTime();
    for (int i = 0; i < FEWEST || (System.nanoTime() - start) / NANOS < TIMED_SECONDS; i++) {
      long before = System.nanoTime();
      if (Double.isNaN(step.getAsDouble())) {
        throw new IllegalStateException("expected losses that are numbers, got NaN");
      }
      seconds.append(String.format(Locale.ROOT, " %.6f", (System.nanoTime() - before) / NANOS));
    }
    System.out.println(seconds);
  }
}
