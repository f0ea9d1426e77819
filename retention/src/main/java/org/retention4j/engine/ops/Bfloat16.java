package org.retention4j.engine.ops;

/**
 * Conversion between fp32 and bfloat16, the upper 16 bits of an fp32 number.
 *
 * @since 0.1
 */
public final class Bfloat16 {
  private Bfloat16() {}

  /** Rounds to the nearest bfloat16, ties to even; NaN stays NaN. */
  public static short fromFloat(float x) {
    int bits = Float.floatToRawIntBits(x);
    if (Float.isNaN(x)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** Rounds the first n numbers, see {@link #fromFloat}. */
  public static void fromFloats(float[] from, short[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = fromFloat(from[i]);
    }
  }

  /**
   * Takes the leading 8 bits off the first n numbers and leaves the exact rest: of what is not
   * finite 0.
   */
  public static void splitOff(float[] x, short[] leading, int n) {
    for (int i = 0; i < n; i++) {
      int bits = Float.floatToIntBits(x[i]);
      leading[i] = (short) (bits >>> 16);
      float rest = x[i] - Float.intBitsToFloat(bits & 0xffff0000);
      x[i] = Float.isNaN(rest) ? 0 : rest;
    }
  }

  /** Widens exactly. */
  public static float toFloat(short x) {
    return Float.intBitsToFloat(x << 16);
  }
}
