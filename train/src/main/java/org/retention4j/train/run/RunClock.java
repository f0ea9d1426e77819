package org.retention4j.train.run;

/** The time of training of all processes of a run, and how much of its limit that is. */
final class RunClock {
  private static final double MINUTE = 60;
  private static final double NANOS = 1e9;

  private final double limit;
  private double before;
  private long began;

  RunClock(RunLimit limit) {
    this.limit = MINUTE * limit.minutes().orElse(Double.POSITIVE_INFINITY);
  }

  /** Says how many seconds went by in earlier processes. */
  void restore(double seconds) {
    before = seconds;
  }

  /** Counts from now on; what went by in this process before is forgotten. */
  void begin() {
    began = System.nanoTime();
  }

  /** Returns all seconds, behind {@link #begin}. */
  double seconds() {
    return before + (System.nanoTime() - began) / NANOS;
  }

  /** Returns which share of the limit they are: 1 and more at its end, 0 where there is none. */
  double share() {
    return seconds() / limit;
  }
}
