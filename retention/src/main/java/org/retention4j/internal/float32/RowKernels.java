package org.retention4j.internal.float32;

/**
 * The element-wise arithmetic of training: on n rows of a width, one behind the other in an array,
 * so that a row pays neither for a call nor for the ends of a loop. As {@link Kernels} otherwise.
 */
public interface RowKernels {
  /** Returns how many rows are worked on at once, such that the first cache holds a few arrays. */
  static int atOnce(int width) {
    return Math.max(1, 2048 / width);
  }

  /** to[i] ← Σ_j a[i,j]·b[i,j] for i &lt; n. */
  void dots(float[] a, float[] b, int n, int width, float[] to);

  /** x[i,j] ← x[i,j]·y[j]. */
  void multiply(float[] x, int n, int width, float[] y);

  /** sum[i,j] ← sum[i,j] + factors[i]·x[i,j], rounded once. */
  void addScaled(float[] x, int n, int width, float[] factors, float[] sum);

  /** sum[j] ← sum[j] + Σ_i a[i,j]·b[i,j], row after row, rounded once for each. */
  void addProducts(float[] a, float[] b, int n, int width, float[] sum);

  /**
   * The first 2·half of each of the heads' width numbers from {@code at} on are rotated, as by
   * {@link Kernels#rotateHalves}.
   */
  void rotateHeads(
      float[] x, int at, int heads, int width, int half, float[] cos, float[] sin, float factor);

  /** Returns the largest of the first n elements, −∞ for n = 0. */
  float max(float[] x, int n);

  /** value[i] ← x[i]·σ(x[i]) for i &lt; n. */
  void silu(float[] x, float[] value, int n);

  /** The same, and slope[i] ← its derivative, σ(x[i])·(1 + x[i]·(1 − σ(x[i]))). */
  void silu(float[] x, float[] value, float[] slope, int n);
}
