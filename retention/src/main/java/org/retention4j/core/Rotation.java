package org.retention4j.core;

/**
 * The rotation of queries and keys by angle position·θ_i.
 *
 * @param layout which elements form a pair
 * @param schedule how θ_i falls
 * @param base θ_i is a power of this, 10000 in all published checkpoints
 * @since 0.1
 */
public record Rotation(Layout layout, Schedule schedule, double base) {
  /** No rotation. */
  public static final Rotation NONE = new Rotation(Layout.NONE, Schedule.OPEN, 10_000);

  /** fla: pairs (i, i+K/2), θ_i = 10000^(−i/n). */
  public static final Rotation FLA = new Rotation(Layout.HALF, Schedule.OPEN, 10_000);

  /** torchscale: pairs (2i, 2i+1), θ_i = 10000^(−i/(n−1)). */
  public static final Rotation TORCHSCALE =
      new Rotation(Layout.INTERLEAVED, Schedule.CLOSED, 10_000);

  /** Which elements of a row form a pair. */
  public enum Layout {
    /** None: rows stay as they are. */
    NONE,
    /** (i, i+K/2). */
    HALF,
    /** (2i, 2i+1). */
    INTERLEAVED
  }

  /** How θ_i falls over the n = K/2 pairs. */
  public enum Schedule {
    /** base^(−i/n): 1/base itself is not reached. */
    OPEN,
    /** base^(−i/(n−1)): the last is 1/base; θ_0 = 1 when n = 1. */
    CLOSED
  }

  /** Checks the base. */
  public Rotation {
    if (!(base > 0) || Double.isInfinite(base)) {
      throw new IllegalArgumentException("expected a rotation base > 0, got " + base);
    }
  }

  /** Returns whether rows are rotated at all. */
  public boolean active() {
    return layout != Layout.NONE;
  }

  /**
   * Returns θ_i in radians per position, i = 0…K/2−1.
   *
   * @param keyWidth K, even
   * @throws IllegalArgumentException for an odd K
   */
  public double[] frequencies(int keyWidth) {
    if (keyWidth % 2 != 0) {
      throw new IllegalArgumentException(
          "expected an even key width K for rotation, got " + keyWidth);
    }
    int n = keyWidth / 2;
    int steps = schedule == Schedule.OPEN ? n : Math.max(1, n - 1);
    double[] theta = new double[n];
    for (int i = 0; i < n; i++) {
      theta[i] = Math.pow(base, -(double) i / steps);
    }
    return theta;
  }
}
