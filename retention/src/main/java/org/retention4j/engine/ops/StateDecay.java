package org.retention4j.engine.ops;

/**
 * How e^g multiplies a state without losing digits: as S − (1−e^g)·S where e^g ≥ ½, since e^g near
 * 1 cannot be rounded to fp32, and as e^g·S below, since there 1−e^g keeps nothing of a small e^g.
 *
 * @since 0.1
 */
public final class StateDecay {
  private static final double LOG_HALF = Math.log(0.5);

  private StateDecay() {}

  /** Returns whether a log decay is applied as the loss 1−e^g, and not as the factor e^g. */
  public static boolean isLoss(double logDecay) {
    return logDecay >= LOG_HALF;
  }

  /** Returns the loss 1−e^g, in (0,½], or the factor e^g, in [0,½). */
  public static double amount(double logDecay) {
    return isLoss(logDecay) ? -Math.expm1(logDecay) : Math.exp(logDecay);
  }

  /**
   * Returns e^g·s + add.
   *
   * @param amount {@link #amount} of g
   * @param isLoss {@link #isLoss} of g
   */
  public static double apply(double amount, boolean isLoss, double s, double add) {
    return isLoss ? Math.fma(-amount, s, s) + add : Math.fma(amount, s, add);
  }

  /**
   * s[i] ← e^g·s[i] + add[i].
   *
   * @param logDecay g ≤ 0, −∞ too
   */
  public static void decayAndAdd(double[] s, double logDecay, double[] add) {
    double amount = amount(logDecay);
    boolean isLoss = isLoss(logDecay);
    for (int i = 0; i < s.length; i++) {
      s[i] = apply(amount, isLoss, s[i], add[i]);
    }
  }
}
