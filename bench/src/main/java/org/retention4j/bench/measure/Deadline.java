package org.retention4j.bench.measure;

import java.lang.management.ManagementFactory;

/** How much time is left for a run, counted from the start of the JVM. */
public final class Deadline {
  private final double endMillis;

  /** Ends so many seconds after the JVM's start. */
  public Deadline(double seconds) {
    endMillis = ManagementFactory.getRuntimeMXBean().getStartTime() + 1000 * seconds;
  }

  /** Returns the seconds that are left, negative when there are none. */
  public double remaining() {
    return (endMillis - System.currentTimeMillis()) / 1000;
  }

  /**
   * Returns how many rounds of a cost fit.
   *
   * @param least at least so many, whatever the time
   * @param wanted at most so many
   * @param cost seconds of a round
   * @param reserve seconds to leave for what comes after
   */
  public int rounds(int least, int wanted, double cost, double reserve) {
    return rounds(least, wanted, cost, remaining(), reserve);
  }

  static int rounds(int least, int wanted, double cost, double remaining, double reserve) {
    double fitting = Math.floor((remaining - reserve) / cost);
    return (int) Math.max(least, Math.min(wanted, fitting));
  }
}
