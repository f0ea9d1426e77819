package org.retention4j.core;

import org.retention4j.args.Args;

/**
 * The rotation of queries and keys by angle position·θ_i.
 *
 * @param layout which elements form a pair
 * @param schedule how θ_i falls
 * @param base θ_i is a power of this, 10000 in all published checkpoints
 * @param channels R, how many of the first channels of a row are rotated; {@link #ALL} for K
 * @since 0.1
 */
public record Rotation(Layout layout, Schedule schedule, double base, int channels) {
  /** All channels of a row, however many there are. */
  public static final int ALL = 0;

  /** No rotation. */
  public static final Rotation NONE = new Rotation(Layout.NONE, Schedule.OPEN, 10_000, ALL);

  /** fla: pairs (i, i+K/2), θ_i = 10000^(−i/n). */
  public static final Rotation FLA = new Rotation(Layout.HALF, Schedule.OPEN, 10_000, ALL);

  /** torchscale: pairs (2i, 2i+1), θ_i = 10000^(−i/(n−1)). */
  public static final Rotation TORCHSCALE =
      new Rotation(Layout.INTERLEAVED, Schedule.CLOSED, 10_000, ALL);

  /** Which elements of a row form a pair. */
  public enum Layout {
    /** None: rows stay as they are. */
    NONE,
    /** (i, i+R/2). */
    HALF,
    /** (2i, 2i+1). */
    INTERLEAVED
  }

  /** How θ_i falls over the n = R/2 pairs. */
  public enum Schedule {
    /** base^(−i/n): 1/base itself is not reached. */
    OPEN,
    /** base^(−i/(n−1)): the last is 1/base; θ_0 = 1 when n = 1. */
    CLOSED
  }

  /** Checks the base and the channels. */
  public Rotation {
    Args.present("layout of the rotation", layout);
    Args.present("schedule of the rotation", schedule);
    if (channels < 0) {
      throw new IllegalArgumentException("expected rotated channels >= 1, got " + channels);
    }
    if (!(base > 0) || Double.isInfinite(base)) {
      throw new IllegalArgumentException("expected a rotation base > 0, got " + base);
    }
  }

  /** A rotation of whole rows. */
  public Rotation(Layout layout, Schedule schedule, double base) {
    this(layout, schedule, base, ALL);
  }

  /** Returns this rotation of a row's first channels only. */
  public Rotation channels(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("expected rotated channels >= 1, got " + count);
    }
    return new Rotation(layout, schedule, base, count);
  }

  /** Returns R, how many channels of a row of K are rotated. */
  public int rotated(int keyWidth) {
    return active() ? channels == ALL ? keyWidth : channels : 0;
  }

  /**
   * Checks that rows of K can be rotated so.
   *
   * @throws IllegalArgumentException for more channels than there are, or an odd number of them
   */
  void check(int keyWidth) {
    int rotated = rotated(keyWidth);
    if (rotated > keyWidth) {
      throw new IllegalArgumentException(
          "expected a rotation of at most the key width K = " + keyWidth + ", got " + rotated);
    }
    if (rotated % 2 != 0) {
      throw new IllegalArgumentException(
          channels == ALL
              ? "expected an even key width K for rotation, got " + keyWidth
              : "expected an even number of rotated channels, got " + rotated);
    }
  }

  /** Returns whether rows are rotated at all. */
  public boolean active() {
    return layout != Layout.NONE;
  }

  /**
   * Returns θ_i in radians per position, i = 0…n−1, n = R/2.
   *
   * @param keyWidth K
   * @throws IllegalArgumentException for an odd R, or one above K
   */
  public double[] frequencies(int keyWidth) {
    check(keyWidth);
    int n = rotated(keyWidth) / 2;
    int steps = schedule == Schedule.OPEN ? n : Math.max(1, n - 1);
    double[] theta = new double[n];
    for (int i = 0; i < n; i++) {
      theta[i] = Math.pow(base, -(double) i / steps);
    }
    return theta;
  }
}
