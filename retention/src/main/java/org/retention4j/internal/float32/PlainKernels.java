package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.internal.memory.GrowableFloats;

/**
 * Plain Java. C2 vectorises a loop over several arrays only when every access has the same index
 * (it cannot rule out aliasing otherwise), hence one array per state row and no offsets.
 */
public final class PlainKernels implements Kernels {
  private final float[] zeros = new float[64];

  private final GrowableFloats sums = new GrowableFloats();
  private final PlainRows rows = new PlainRows();

  @Override
  public String name() {
    return "plain";
  }

  @Override
  public void scale(float[] x, int n, float c) {
    for (int i = 0; i < n; i++) {
      x[i] *= c;
    }
  }

  @Override
  public void scaleRows(float[] x, int n, int width, float[] factors) {
    for (int i = 0; i < n; i++) {
      float c = factors[i];
      for (int j = i * width; j < (i + 1) * width; j++) {
        x[j] *= c;
      }
    }
  }

  @Override
  public void multiply(float[] x, float[] y, int n) {
    for (int i = 0; i < n; i++) {
      x[i] *= y[i];
    }
  }

  @Override
  public void multiply(float[] x, int at, float[] y, int from, int n) {
    for (int i = 0; i < n; i++) {
      x[at + i] *= y[from + i];
    }
  }

  @Override
  public void rotateHalves(float[] x, int half, float[] cos, float[] sin, float factor) {
    rotateHalves(x, 0, half, cos, sin, factor);
  }

  /** The same from angle {@code from} on. */
  public static void rotateHalves(
      float[] x, int from, int half, float[] cos, float[] sin, float factor) {
    for (int i = from; i < half; i++) {
      float a = x[i];
      float b = x[i + half];
      x[i] = (a * cos[i] - b * sin[i]) * factor;
      x[i + half] = (b * cos[i] + a * sin[i]) * factor;
    }
  }

  @Override
  public float dot(float[] a, float[] b, int n) {
    return dot(a, b, 0, n);
  }

  /** The same of n elements from {@code from} on. */
  static float dot(float[] a, float[] b, int from, int n) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int end = from + n;
    int i = from;
    for (; i + 8 <= end; i += 8) {
      s0 = Math.fma(a[i], b[i], s0);
      s1 = Math.fma(a[i + 1], b[i + 1], s1);
      s2 = Math.fma(a[i + 2], b[i + 2], s2);
      s3 = Math.fma(a[i + 3], b[i + 3], s3);
      s4 = Math.fma(a[i + 4], b[i + 4], s4);
      s5 = Math.fma(a[i + 5], b[i + 5], s5);
      s6 = Math.fma(a[i + 6], b[i + 6], s6);
      s7 = Math.fma(a[i + 7], b[i + 7], s7);
    }
    float rest = 0;
    for (; i < end; i++) {
      rest = Math.fma(a[i], b[i], rest);
    }
    return (((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))) + rest;
  }

  @Override
  public float sumOfSquares(float[] a, int n) {
    return dot(a, a, n);
  }

  /** 0·x is 0 unless x is not finite; sums side by side, which C2 makes vectors of. */
  @Override
  public boolean allFinite(float[] a, int n) {
    float sum = 0;
    int i = 0;
    if (n >= 2 * zeros.length) {
      Arrays.fill(zeros, 0f);
      for (; i + zeros.length <= n; i += zeros.length) {
        for (int j = 0; j < zeros.length; j++) {
          zeros[j] += a[i + j] * 0f;
        }
      }
      for (float zero : zeros) {
        sum += zero;
      }
    }
    for (; i < n; i++) {
      sum += a[i] * 0f;
    }
    return sum == 0f;
  }

  @Override
  public void addScaled(float[] x, int n, float c, float[] sum) {
    addOne(x, c, sum, n);
  }

  @Override
  public void addEach(float[][] rows, float[] factors, int count, float[] sum, int n) {
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      addFour(rows[i], rows[i + 1], rows[i + 2], rows[i + 3], factors, i, sum, n);
    }
    for (; i < count; i++) {
      addOne(rows[i], factors[i], sum, n);
    }
  }

  private static void addOne(float[] row, float factor, float[] sum, int n) {
    for (int j = 0; j < n; j++) {
      sum[j] = Math.fma(factor, row[j], sum[j]);
    }
  }

  private static void addFour(
      float[] r0,
      float[] r1,
      float[] r2,
      float[] r3,
      float[] factors,
      int first,
      float[] sum,
      int n) {
    float f0 = factors[first];
    float f1 = factors[first + 1];
    float f2 = factors[first + 2];
    float f3 = factors[first + 3];
    for (int j = 0; j < n; j++) {
      float low = Math.fma(f1, r1[j], Math.fma(f0, r0[j], sum[j]));
      sum[j] = Math.fma(f3, r3[j], Math.fma(f2, r2[j], low));
    }
  }

  @Override
  public boolean flatRows() {
    return false;
  }

  @Override
  public void addRows(float[][] rows, int count, int width, float[] factors, float[] sum) {
    addEach(rows, factors, count, sum, width);
  }

  @Override
  public void decayAndAdd(float[][] s, int row, int valueWidth, float loss, float[] add) {
    float minus = -loss;
    float[] x = s[row];
    for (int j = 0; j < valueWidth; j++) {
      x[j] = Math.fma(minus, x[j], x[j]) + add[j];
    }
  }

  @Override
  public void scaleAndAdd(float[][] s, int row, int valueWidth, float factor, float[] add) {
    float[] x = s[row];
    for (int j = 0; j < valueWidth; j++) {
      x[j] = Math.fma(factor, x[j], add[j]);
    }
  }

  /**
   * Returns whether a state that loses so little in a fold remembers so many tokens that the
   * rounding of S at each of them would be seen: it is rounded once in a fold then.
   */
  public static boolean remembersLong(float loss) {
    return loss < 0x1p-10f;
  }

  private void decay(float[] s, float amount, boolean isLoss, int n) {
    if (!isLoss) {
      scale(s, n, amount);
      return;
    }
    float minus = -amount;
    for (int j = 0; j < n; j++) {
      s[j] = Math.fma(minus, s[j], s[j]);
    }
  }

  @Override
  public void fold(
      float[][] s,
      int keyWidth,
      int valueWidth,
      float amount,
      boolean isLoss,
      float[][] keys,
      float[][] values,
      int count,
      float[] scratch) {
    for (int k = 0; k < keyWidth; k++) {
      for (int i = 0; i < count; i++) {
        scratch[i] = keys[i][k];
      }
      if (isLoss && remembersLong(amount)) {
        // What is new is summed at its own size: S is rounded once.
        float[] sum = sums.atLeast(valueWidth);
        Arrays.fill(sum, 0, valueWidth, 0f);
        addEach(values, scratch, count, sum, valueWidth);
        decayAndAdd(s, k, valueWidth, amount, sum);
      } else {
        decay(s[k], amount, isLoss, valueWidth);
        addEach(values, scratch, count, s[k], valueWidth);
      }
    }
  }

  @Override
  public void addRows(short[] rows, int count, int width, float[] factors, float[] sum) {
    for (int i = 0; i < count; i++) {
      int from = i * width;
      float f = factors[i];
      for (int j = 0; j < width; j++) {
        sum[j] = Math.fma(f, Bfloat16.toFloat(rows[from + j]), sum[j]);
      }
    }
  }

  @Override
  public void narrow(float[] from, int at, short[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = Bfloat16.fromFloat(from[at + i]);
    }
  }

  @Override
  public void widen(short[] from, int at, float[] to, int n) {
    for (int i = 0; i < n; i++) {
      to[i] = Bfloat16.toFloat(from[at + i]);
    }
  }

  @Override
  public float max(float[] x, int n) {
    return largest(x, n);
  }

  /** See {@link #max}. */
  static float largest(float[] x, int n) {
    // Four, since each waits for the one before it.
    float a = Float.NEGATIVE_INFINITY;
    float b = a;
    float c = a;
    float d = a;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
      a = Math.max(a, x[i]);
      b = Math.max(b, x[i + 1]);
      c = Math.max(c, x[i + 2]);
      d = Math.max(d, x[i + 3]);
    }
    for (; i < n; i++) {
      a = Math.max(a, x[i]);
    }
    return Math.max(Math.max(a, b), Math.max(c, d));
  }

  @Override
  public float expAndSum(float[] x, float max, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) {
      x[i] = (float) Math.exp(x[i] - max);
      sum += x[i];
    }
    return sum;
  }

  @Override
  public RowKernels rows() {
    return rows;
  }

  @Override
  public void sigmoid(float[] x, float[] to, int n) {
    sigmoid(x, to, 0, n);
  }

  /** The same from an element on. */
  public static void sigmoid(float[] x, float[] to, int from, int n) {
    for (int i = from; i < n; i++) {
      to[i] = (float) (1 / (1 + Math.exp(-x[i])));
    }
  }
}
