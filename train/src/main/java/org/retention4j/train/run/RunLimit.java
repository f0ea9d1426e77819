package org.retention4j.train.run;

import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.retention4j.args.Args;

/**
 * When a run ends: at what comes first of those that are given.
 *
 * @param steps at least 1
 * @param tokens at least 1; the last step may go beyond
 * @param minutes of training, all sessions of the run together, above 0
 * @since 0.1
 */
public record RunLimit(OptionalLong steps, OptionalLong tokens, OptionalDouble minutes) {
  /** Checks the ranges. */
  public RunLimit {
    Args.present("a limit of steps, or none", steps);
    Args.present("a limit of tokens, or none", tokens);
    Args.present("a limit of minutes, or none", minutes);
    if (steps.isEmpty() && tokens.isEmpty() && minutes.isEmpty()) {
      throw new IllegalArgumentException("expected a limit of steps, tokens or minutes, got none");
    }
    require("steps", "at least 1", steps.orElse(1) >= 1, steps.orElse(1));
    require("tokens", "at least 1", tokens.orElse(1) >= 1, tokens.orElse(1));
    double time = minutes.orElse(1);
    require("minutes", "above 0, finite", time > 0 && time <= Double.MAX_VALUE, time);
  }

  private static void require(String what, String range, boolean holds, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected a limit of %s %s, got %s", what, range, got));
    }
  }

  /** Returns a limit of steps. */
  public static RunLimit steps(long count) {
    return new RunLimit(OptionalLong.of(count), OptionalLong.empty(), OptionalDouble.empty());
  }

  /** Returns a limit of tokens. */
  public static RunLimit tokens(long count) {
    return new RunLimit(OptionalLong.empty(), OptionalLong.of(count), OptionalDouble.empty());
  }

  /** Returns a limit of time. */
  public static RunLimit minutes(double count) {
    return new RunLimit(OptionalLong.empty(), OptionalLong.empty(), OptionalDouble.of(count));
  }

  /** Returns the most steps, where they can be told. */
  OptionalLong mostSteps(long tokensPerStep) {
    long most = steps.orElse(Long.MAX_VALUE);
    if (tokens.isPresent()) {
      most = Math.min(most, (tokens.getAsLong() + tokensPerStep - 1) / tokensPerStep);
    }
    return most == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(most);
  }
}
