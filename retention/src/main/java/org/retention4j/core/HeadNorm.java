package org.retention4j.core;

import org.retention4j.args.Args;
import org.retention4j.nn.NormKind;

/**
 * The norm of a block's outputs before the gate, over groups of the merged H·V channels of a token.
 *
 * @param kind RMS, or mean-subtracting
 * @param groups G, divides H·V; {@link #ONE_PER_HEAD} for H
 * @param weight which weight multiplies what was normed
 * @param bias whether a bias (H·V) is added to it then
 * @since 0.1
 */
public record HeadNorm(NormKind kind, int groups, Weight weight, boolean bias) {
  /** One group for each head, however many there are. */
  public static final int ONE_PER_HEAD = 0;

  /** RMSNorm of each head with one weight (V) for all: fla's. */
  public static final HeadNorm RMS = new HeadNorm(NormKind.RMS, ONE_PER_HEAD, Weight.SHARED, false);

  /** RMSNorm of each head without a weight: torchscale's. */
  public static final HeadNorm PLAIN_RMS = RMS.weight(Weight.NONE);

  /** Mean-subtracting norm of each head without a weight. */
  public static final HeadNorm PLAIN_LAYER = PLAIN_RMS.kind(NormKind.LAYER);

  /** Which weight a norm has. */
  public enum Weight {
    /** None. */
    NONE,
    /** One of a group's size H·V/G for all groups. */
    SHARED,
    /** One for each of the H·V channels. */
    PER_CHANNEL
  }

  /** Checks that the parts are there. */
  public HeadNorm {
    Args.present("kind of the head norm", kind);
    Args.present("weight of the head norm", weight);
    if (groups < 0) {
      throw new IllegalArgumentException("expected groups of the head norm >= 1, got " + groups);
    }
  }

  /** Returns this norm of another kind. */
  public HeadNorm kind(NormKind other) {
    return new HeadNorm(other, groups, weight, bias);
  }

  /** Returns this norm over so many groups. */
  public HeadNorm groups(int count) {
    return new HeadNorm(kind, count, weight, bias);
  }

  /** Returns this norm with another weight. */
  public HeadNorm weight(Weight other) {
    return new HeadNorm(kind, groups, other, bias);
  }

  /** Returns this norm with a bias, or without. */
  public HeadNorm bias(boolean value) {
    return new HeadNorm(kind, groups, weight, value);
  }

  /** Returns G for a block of H heads. */
  int groupsOf(int heads) {
    return groups == ONE_PER_HEAD ? heads : groups;
  }
}
