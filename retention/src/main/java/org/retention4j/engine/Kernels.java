package org.retention4j.engine;

/**
 * The element-wise arithmetic on fp32 rows, in one provider per instruction route. Callers have
 * checked lengths; providers agree to rounding, each is deterministic.
 */
interface Kernels {
  /** Returns the provider's name as reports show it. */
  String name();

  /** x[i] ← c·x[i] for i < n. */
  void scale(float[] x, int n, float c);

  /** x[i] ← x[i]·y[i] for i < n. */
  void multiply(float[] x, float[] y, int n);

  /** Returns Σ a[i]·b[i], i < n. */
  float dot(float[] a, float[] b, int n);

  /** Returns Σ a[i]², i < n. */
  float sumOfSquares(float[] a, int n);

  /** Returns whether the first n elements are all finite. */
  boolean allFinite(float[] a, int n);

  /** sum[j] ← sum[j] + Σ_i factors[i]·rows[i][j] for i < count, j < n. */
  void addRows(float[][] rows, float[] factors, int count, float[] sum, int n);

  /** s[j] ← (s[j] − loss·s[j]) + add[j], the product and difference rounded once. */
  void decayAndAdd(float[] s, float loss, float[] add, int n);

  /** s[j] ← s[j] − loss·s[j], rounded once. */
  void decay(float[] s, float loss, int n);

  /** Returns the largest of the first n elements, −∞ for n = 0. */
  float max(float[] x, int n);

  /** x[i] ← e^(x[i]−max) for i < n; returns their sum. */
  float expAndSum(float[] x, float max, int n);
}
