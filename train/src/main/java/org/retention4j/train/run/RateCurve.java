package org.retention4j.train.run;

import java.util.Locale;
import java.util.OptionalLong;
import org.retention4j.args.Args;
import org.retention4j.train.Schedule;

/**
 * How the learning rate goes over a run, however long that is.
 *
 * @param kind of the curve
 * @param warmUp steps in which it rises; empty for a fiftieth of the run
 * @param decayShare of the run in which it falls, 0…1; of {@link Kind#STABLE} only
 * @param last the factor it ends at, 0…1; not of {@link Kind#CONSTANT}
 * @since 0.1
 */
public record RateCurve(Kind kind, OptionalLong warmUp, double decayShare, double last) {
  /** Stable, falling to 0 over the last fifth. */
  public static final RateCurve DEFAULT = new RateCurve(Kind.STABLE, OptionalLong.empty(), 0.2, 0);

  private static final long WARM_UP_PART = 50;

  /** The warm-up of a run whose length nobody knows. */
  private static final long WARM_UP_OF_A_TIME = 50;

  /** The curves. */
  public enum Kind {
    /** Rises and stays. */
    CONSTANT,
    /** Rises and falls along half a cosine. */
    COSINE,
    /** Rises, stays, and falls in a line at the end. */
    STABLE
  }

  /** Checks the ranges. */
  public RateCurve {
    Args.present("a kind of curve", kind);
    Args.present("a warm-up, or none", warmUp);
    if (warmUp.isPresent() && warmUp.getAsLong() < 0) {
      throw new IllegalArgumentException(
          "expected a warm-up of at least 0 steps, got " + warmUp.getAsLong());
    }
    requireShare("a share of the run in which the rate falls", decayShare);
    requireShare("a last factor of the rate", last);
  }

  private static void requireShare(String what, double got) {
    if (!(got >= 0 && got <= 1)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected %s in 0..1, got %s", what, got));
    }
  }

  /** Returns the same with another kind of curve. */
  public RateCurve withKind(Kind other) {
    return new RateCurve(other, warmUp, decayShare, last);
  }

  /** Returns the same with a warm-up of so many steps. */
  public RateCurve withWarmUp(long steps) {
    return new RateCurve(kind, OptionalLong.of(steps), decayShare, last);
  }

  /** Returns the same with another last factor. */
  public RateCurve withLast(double factor) {
    return new RateCurve(kind, warmUp, decayShare, factor);
  }

  /** Returns whether the length of a run changes its rates. */
  boolean needsLength() {
    return kind != Kind.CONSTANT || warmUp.isEmpty();
  }

  /** Returns the steps of the warm-up. */
  long warmUp(OptionalLong steps) {
    if (warmUp.isPresent() || steps.isEmpty()) {
      return warmUp.orElse(WARM_UP_OF_A_TIME);
    }
    return steps.getAsLong() / WARM_UP_PART;
  }

  /** Returns the factors of a run of so many steps. */
  Schedule over(long steps) {
    long rise = Math.min(warmUp(OptionalLong.of(steps)), Math.max(0, steps - 1));
    return switch (kind) {
      case CONSTANT -> Schedule.constant(rise);
      case COSINE -> Schedule.cosine(rise, steps, last);
      case STABLE -> {
        long fall = Math.min(steps - rise, Math.round(steps * decayShare));
        yield Schedule.stableThenDecay(rise, steps, fall, last);
      }
    };
  }
}
