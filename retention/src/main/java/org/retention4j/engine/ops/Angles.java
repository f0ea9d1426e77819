package org.retention4j.engine.ops;

/**
 * Cosines and sines of the K/2 angles by which a row is rotated, in the type of an engine: the
 * arrays of the other type are empty.
 *
 * @since 0.1
 */
public record Angles(double[] cos, double[] sin, float[] narrowCos, float[] narrowSin) {
  /** Makes room for so many angles. */
  public static Angles of(ElementType type, int count) {
    return type == ElementType.FLOAT64
        ? new Angles(new double[count], new double[count], new float[0], new float[0])
        : new Angles(new double[0], new double[0], new float[count], new float[count]);
  }

  /** Takes the cosine and the sine of an angle. */
  public void set(int i, double angle) {
    if (cos.length > 0) {
      cos[i] = Math.cos(angle);
      sin[i] = Math.sin(angle);
    } else {
      narrowCos[i] = (float) Math.cos(angle);
      narrowSin[i] = (float) Math.sin(angle);
    }
  }

  /** Takes those of the sums of angles, by the addition theorem. */
  public void setSums(Angles a, Angles b) {
    if (cos.length > 0) {
      addition(a.cos, a.sin, b.cos, b.sin, cos, sin);
    } else {
      addition(a.narrowCos, a.narrowSin, b.narrowCos, b.narrowSin, narrowCos, narrowSin);
    }
  }

  private static void addition(
      double[] c, double[] s, double[] d, double[] t, double[] cos, double[] sin) {
    for (int i = 0; i < cos.length; i++) {
      cos[i] = c[i] * d[i] - s[i] * t[i];
      sin[i] = s[i] * d[i] + c[i] * t[i];
    }
  }

  private static void addition(
      float[] c, float[] s, float[] d, float[] t, float[] cos, float[] sin) {
    for (int i = 0; i < cos.length; i++) {
      cos[i] = c[i] * d[i] - s[i] * t[i];
      sin[i] = s[i] * d[i] + c[i] * t[i];
    }
  }
}
