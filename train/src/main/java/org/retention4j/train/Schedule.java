package org.retention4j.train;

import java.util.Locale;

/**
 * The learning rate over the steps, as a factor of its largest value.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Schedule {
  /**
   * Returns the factor of a step.
   *
   * @param step from 1
   * @return 0…1
   */
  double factor(long step);

  /** Returns the same factor for every step. */
  static Schedule constant() {
    return step -> 1;
  }

  /**
   * Returns a factor that rises in a line and stays at 1.
   *
   * @param warmUp steps in which it rises, at least 0: step s of them has s/warmUp
   * @throws IllegalArgumentException if it is negative
   */
  static Schedule constant(long warmUp) {
    requireSteps("a warm-up of at least 0 steps", warmUp >= 0, warmUp);
    return step -> step < warmUp ? (double) step / warmUp : 1;
  }

  /**
   * Returns a factor that rises in a line and falls along half a cosine (arXiv 1608.03983, without
   * restarts).
   *
   * @param warmUp steps in which it rises, at least 0
   * @param steps of the whole, more than those; behind them the factor stays
   * @param last the factor of the last step, 0…1
   * @throws IllegalArgumentException if these are out of their ranges
   */
  static Schedule cosine(long warmUp, long steps, double last) {
    Schedule rise = constant(warmUp);
    requireSteps("more steps than the " + warmUp + " of the warm-up", steps > warmUp, steps);
    requireLast(last);
    return step -> {
      if (step <= warmUp) {
        return rise.factor(step);
      }
      double done = Math.min(1, (double) (step - warmUp) / (steps - warmUp));
      return last + (1 - last) * (1 + Math.cos(Math.PI * done)) / 2;
    };
  }

  /**
   * Returns a factor that rises in a line, is 1, and falls in a line (warm-up, stable, decay; arXiv
   * 2404.06395).
   *
   * @param warmUp steps in which it rises, at least 0
   * @param steps of the whole; behind them the factor stays
   * @param decay steps in which it falls, at least 0, and with the warm-up at most all
   * @param last what it falls to, 0…1; the last step is one line's piece above it, so that no step
   *     is taken in vain
   * @throws IllegalArgumentException if these are out of their ranges
   */
  static Schedule stableThenDecay(long warmUp, long steps, long decay, double last) {
    Schedule rise = constant(warmUp);
    requireSteps("a decay of at least 0 steps", decay >= 0, decay);
    requireSteps(
        "at least the steps of warm-up and decay, " + warmUp + " and " + decay,
        steps >= 1 && steps - warmUp >= decay,
        steps);
    requireLast(last);
    long stable = steps - decay;
    return step -> {
      if (step <= stable) {
        return rise.factor(step);
      }
      double left = (double) Math.max(1, steps + 1 - step) / (decay + 1);
      return last + (1 - last) * left;
    };
  }

  private static void requireSteps(String expected, boolean holds, long got) {
    if (!holds) {
      throw new IllegalArgumentException("expected " + expected + ", got " + got);
    }
  }

  private static void requireLast(double last) {
    if (!(last >= 0 && last <= 1)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected a last factor in 0..1, got %s", last));
    }
  }
}
