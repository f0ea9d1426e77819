package org.retention4j.internal.float32;

import org.retention4j.engine.ops.StateDecay;
import org.retention4j.internal.memory.Bf16Operand;

/**
 * The element-wise arithmetic on fp32 rows, in one implementation per route. Callers have checked
 * lengths; implementations agree to rounding, each is deterministic. An instance may hold scratch
 * and belongs to one lane.
 */
public interface Kernels extends Bf16Operand.Rounding {
  /** Returns the implementation's name as reports show it. */
  String name();

  /** x[i] ← c·x[i] for i &lt; n. */
  void scale(float[] x, int n, float c);

  /** x[i·width+j] ← factors[i]·x[i·width+j] for i &lt; n, j &lt; width. */
  void scaleRows(float[] x, int n, int width, float[] factors);

  /** x[i] ← x[i]·y[i] for i &lt; n. */
  void multiply(float[] x, float[] y, int n);

  /** x[at+i] ← x[at+i]·y[from+i] for i &lt; n. */
  void multiply(float[] x, int at, float[] y, int from, int n);

  /**
   * (x[i], x[i+half]) ← factor·(x[i]·cos[i] − x[i+half]·sin[i], x[i+half]·cos[i] + x[i]·sin[i]) for
   * i &lt; half.
   */
  void rotateHalves(float[] x, int half, float[] cos, float[] sin, float factor);

  /** Returns Σ a[i]·b[i], i &lt; n. */
  float dot(float[] a, float[] b, int n);

  /** Returns Σ a[i]², i &lt; n. */
  float sumOfSquares(float[] a, int n);

  /** Returns whether the first n elements are all finite. */
  boolean allFinite(float[] a, int n);

  /** sum[i] ← sum[i] + c·x[i] for i &lt; n, rounded once. */
  void addScaled(float[] x, int n, float c, float[] sum);

  /** sum[j] ← sum[j] + Σ_i factors[i]·rows[i][j] for i &lt; count, j &lt; n; an array per row. */
  void addEach(float[][] rows, float[] factors, int count, float[] sum, int n);

  /**
   * Returns whether this implementation wants the rows of a state or a cache in one array;
   * otherwise each row has an array of its own.
   */
  boolean flatRows();

  /**
   * sum[j] ← sum[j] + Σ_i factors[i]·rows[i,j] for i &lt; count, j &lt; width.
   *
   * @param rows in the layout of {@link #flatRows()}
   */
  void addRows(float[][] rows, int count, int width, float[] factors, float[] sum);

  /** The same with rows of bf16, one after the other. */
  void addRows(short[] rows, int count, int width, float[] factors, float[] sum);

  /** S[row,j] ← (S[row,j] − loss·S[row,j]) + add[j], the product and difference rounded once. */
  void decayAndAdd(float[][] s, int row, int valueWidth, float loss, float[] add);

  /** S[row,j] ← factor·S[row,j] + add[j], rounded once. */
  void scaleAndAdd(float[][] s, int row, int valueWidth, float factor, float[] add);

  /**
   * S[k,:] ← e^g·S[k,:] + Σ_i keys[i][k]·values[i][:], i &lt; count.
   *
   * @param isLoss whether {@code amount} is 1−e^g and not e^g, see {@link StateDecay}
   * @param scratch at least count long
   */
  void fold(
      float[][] s,
      int keyWidth,
      int valueWidth,
      float amount,
      boolean isLoss,
      float[][] keys,
      float[][] values,
      int count,
      float[] scratch);

  /** Returns what works on tiles on the heap, or null where oneDNN on native ones is faster. */
  default TileKernels ofTiles() {
    return null;
  }

  /** Returns the largest of the first n elements, −∞ for n = 0. */
  float max(float[] x, int n);

  /** x[i] ← e^(x[i]−max) for i &lt; n; returns their sum. */
  float expAndSum(float[] x, float max, int n);

  /** Returns those for many rows. */
  RowKernels rows();

  /** to[i] ← 1 / (1 + e^(−x[i])) for i &lt; n. */
  void sigmoid(float[] x, float[] to, int n);
}
