package org.retention4j.internal.float32;

/** Plain Java. */
public final class PlainRows implements RowKernels {
  @Override
  public void dots(float[] a, float[] b, int n, int width, float[] to) {
    for (int i = 0; i < n; i++) {
      to[i] = PlainKernels.dot(a, b, i * width, width);
    }
  }

  @Override
  public void multiply(float[] x, int n, int width, float[] y) {
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < width; j++) {
        x[i * width + j] *= y[j];
      }
    }
  }

  @Override
  public void addScaled(float[] x, int n, int width, float[] factors, float[] sum) {
    for (int i = 0; i < n; i++) {
      float c = factors[i];
      for (int j = i * width; j < (i + 1) * width; j++) {
        sum[j] = Math.fma(c, x[j], sum[j]);
      }
    }
  }

  @Override
  public void addProducts(float[] a, float[] b, int n, int width, float[] sum) {
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < width; j++) {
        sum[j] = Math.fma(a[i * width + j], b[i * width + j], sum[j]);
      }
    }
  }

  @Override
  public void rotateHeads(
      float[] x, int at, int heads, int width, int half, float[] cos, float[] sin, float factor) {
    rotateHeads(x, at, heads, width, 0, half, cos, sin, factor);
  }

  /** The same from angle {@code from} on. */
  public static void rotateHeads(
      float[] x,
      int at,
      int heads,
      int width,
      int from,
      int half,
      float[] cos,
      float[] sin,
      float factor) {
    for (int i = from; i < half; i++) {
      float c = cos[i];
      float s = sin[i];
      for (int j = at + i; j < at + heads * width; j += width) {
        float a = x[j];
        float b = x[j + half];
        x[j] = (a * c - b * s) * factor;
        x[j + half] = (b * c + a * s) * factor;
      }
    }
  }

  @Override
  public float max(float[] x, int n) {
    return PlainKernels.largest(x, n);
  }

  @Override
  public void silu(float[] x, float[] value, int n) {
    silu(x, value, 0, n);
  }

  @Override
  public void silu(float[] x, float[] value, float[] slope, int n) {
    silu(x, value, slope, 0, n);
  }

  /** The same from an element on. */
  public static void silu(float[] x, float[] value, int from, int n) {
    PlainKernels.sigmoid(x, value, from, n);
    for (int i = from; i < n; i++) {
      value[i] *= x[i];
    }
  }

  /** The same from an element on. */
  public static void silu(float[] x, float[] value, float[] slope, int from, int n) {
    PlainKernels.sigmoid(x, value, from, n);
    for (int i = from; i < n; i++) {
      slope[i] = value[i] * (1 + x[i] * (1 - value[i]));
    }
    for (int i = from; i < n; i++) {
      value[i] *= x[i];
    }
  }
}
