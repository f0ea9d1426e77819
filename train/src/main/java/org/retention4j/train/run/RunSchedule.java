package org.retention4j.train.run;

import java.util.OptionalLong;
import org.retention4j.train.Schedule;

/**
 * The factors of a run. Where only its time is limited nobody knows its steps at first: then the
 * rate stays until the run says from which step on it falls.
 */
final class RunSchedule implements Schedule {
  private final RateCurve curve;
  private OptionalLong end;
  private OptionalLong fallsFrom = OptionalLong.empty();
  private Schedule factors;

  RunSchedule(RateCurve curve, OptionalLong steps) {
    this.curve = curve;
    end = steps;
    factors =
        steps.isPresent()
            ? curve.over(steps.getAsLong())
            : Schedule.constant(curve.warmUp(OptionalLong.empty()));
  }

  @Override
  public double factor(long step) {
    return factors.factor(step);
  }

  /** Returns the last step, where it is known. */
  OptionalLong end() {
    return end;
  }

  /** Returns behind which step the rate falls, where that was decided on the way. */
  OptionalLong fallsFrom() {
    return fallsFrom;
  }

  /**
   * Returns how much of a run is done, 0…1, by its steps or its time, whichever is more. Where the
   * rate falls on the way, it is the steps of the fall that end the run.
   *
   * @param time the share of the time that went by
   */
  double done(long step, double time) {
    double bySteps = end.isPresent() ? (double) step / end.getAsLong() : 0;
    return Math.min(1, fallsFrom.isPresent() ? bySteps : Math.max(bySteps, time));
  }

  /** Returns whether it still is to be decided when the rate falls. */
  boolean open() {
    return end.isEmpty() && curve.kind() == RateCurve.Kind.STABLE;
  }

  /** Returns the share of the time that goes by before the rate falls. */
  double stableShare() {
    return 1 - curve.decayShare();
  }

  /**
   * Lets the rate fall behind a step, for the share of the whole that the curve says. From where it
   * is: a run that is shorter than its warm-up has not come to the largest rate.
   */
  void fallFrom(long step) {
    double share = Math.min(curve.decayShare(), 0.99);
    long fall = Math.max(1, Math.round(step * share / (1 - share)));
    Schedule rises = Schedule.constant(curve.warmUp(OptionalLong.empty()));
    Schedule falls = Schedule.stableThenDecay(0, step + fall, fall, curve.last());
    double reached = rises.factor(step);
    fallsFrom = OptionalLong.of(step);
    end = OptionalLong.of(step + fall);
    factors = at -> at <= step ? rises.factor(at) : reached * falls.factor(at);
  }
}
