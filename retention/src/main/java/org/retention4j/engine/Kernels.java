package org.retention4j.engine;

/**
 * The element-wise arithmetic on fp32 rows, in one provider per instruction route. Callers have
 * checked lengths; providers agree to rounding, each is deterministic. An instance may hold scratch
 * and belongs to one lane.
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

  /**
   * Returns whether this provider wants the rows of a state in one array; otherwise each row has an
   * array of its own.
   */
  boolean flatStates();

  /**
   * sum[j] ← sum[j] + Σ_k q[k]·S[k,j].
   *
   * @param s (K,V) in the layout of {@link #flatStates()}
   */
  void readState(float[][] s, int keyWidth, int valueWidth, float[] q, float[] sum);

  /** S[row,j] ← (S[row,j] − loss·S[row,j]) + add[j], the product and difference rounded once. */
  void decayAndAdd(float[][] s, int row, int valueWidth, float loss, float[] add);

  /**
   * S[k,:] ← (S[k,:] − loss·S[k,:]) + Σ_i keys[i][k]·values[i][:], i < count.
   *
   * @param scratch at least count long
   */
  void fold(
      float[][] s,
      int keyWidth,
      int valueWidth,
      float loss,
      float[][] keys,
      float[][] values,
      int count,
      float[] scratch);

  /** sum[j] ← sum[j] + Σ_i factors[i]·rows[i][j] for rows of bf16, i < count, j < n. */
  void addRows(short[][] rows, float[] factors, int count, float[] sum, int n);

  /** to[i] ← from[i] as bf16, for i < n. */
  void widen(short[] from, float[] to, int n);

  /** Returns the largest of the first n elements, −∞ for n = 0. */
  float max(float[] x, int n);

  /** x[i] ← e^(x[i]−max) for i < n; returns their sum. */
  float expAndSum(float[] x, float max, int n);
}
