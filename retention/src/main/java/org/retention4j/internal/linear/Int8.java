package org.retention4j.internal.linear;

import java.util.Arrays;

/** Rounding of a row to 8-bit integers with one factor. */
public final class Int8 {
  private Int8() {}

  /**
   * Rounds a row symmetrically to −127…127, ties to even.
   *
   * @return the factor that gives the row back, 0 for a row of zeros, not finite for a row that is
   *     not
   */
  public static float round(float[] x, int n, byte[] into) {
    float max = 0;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, Math.abs(x[i]));
    }
    if (max == 0 || !(max <= Float.MAX_VALUE)) {
      Arrays.fill(into, 0, n, (byte) (max == 0 ? 0 : 1));
      return max;
    }
    float inverse = 127 / max;
    if (inverse > Float.MAX_VALUE) {
      // All of it is subnormal: nothing beside what else a product adds up.
      Arrays.fill(into, 0, n, (byte) 0);
      return 0;
    }
    // Adding 1.5·2^23 leaves the nearest integer in the low bits; Math.rint is not vectorised.
    for (int i = 0; i < n; i++) {
      into[i] = (byte) Float.floatToRawIntBits(x[i] * inverse + 0x1.8p23f);
    }
    return max / 127;
  }
}
