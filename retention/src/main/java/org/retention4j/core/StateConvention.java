package org.retention4j.core;

import java.util.Optional;

/**
 * What the numbers in a state mean. Two states join, and a state fits a block, only when these are
 * equal.
 *
 * @param keysScaled whether the keys in the state carry the factor K^(−1/2) (torchscale) or not
 *     (fla)
 * @param rotation the rotation the keys in the state went through
 * @param decay the constant decay per head, or empty when the caller gives the decay at each call
 * @since 0.1
 */
public record StateConvention(
    boolean keysScaled, Rotation rotation, Optional<LogDecay.PerHead> decay) {
  /** Unscaled keys, no rotation, decay given at each call: what the bare core works with. */
  public static final StateConvention PLAIN =
      new StateConvention(false, Rotation.NONE, Optional.empty());

  /** Returns the constant log decay of each head, none where there are none. */
  double[] decays() {
    return decay.map(LogDecay.PerHead::values).orElse(new double[0]);
  }
}
