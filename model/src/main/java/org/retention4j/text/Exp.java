package org.retention4j.text;

/**
 * e^x for x ≤ 0 out of plain arithmetic.
 *
 * <p>{@link Math#exp} may differ in its last bit between platforms, and with it the token a seed
 * draws; {@link StrictMath#exp} does not, but takes many times as long.
 */
final class Exp {
  private static final double LOG2_E = 1.4426950408889634;
  // ln 2 in two parts; the first has 21 zero bits at its end, so that k·LN2_HIGH is exact.
  private static final double LN2_HIGH = 0x1.62e42fee00000p-1;
  private static final double LN2_LOW = 0x1.a39ef35793c76p-33;

  /** Below this e^x is smaller than the smallest normal number. */
  private static final double LOWEST = -708;

  private Exp() {}

  /** Returns e^x within a few units of the last place; 0 for x below −708. */
  static double ofNonPositive(double x) {
    if (!(x >= LOWEST)) {
      return 0;
    }
    double k = Math.rint(x * LOG2_E);
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    // Taylor's series up to r^13/13!: |r| <= ln 2 / 2, the rest is below 5e-18.
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    return p * Double.longBitsToDouble(((long) k + 1023) << 52);
  }
}
