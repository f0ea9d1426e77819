package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.internal.float32.PlainRows;
import org.retention4j.internal.float32.RowKernels;

/** The arithmetic of training. See {@link VectorKernels} for its rules. */
final class VectorRows implements RowKernels {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private final float[] lanes = new float[Math.max(4, LANES)];

  @Override
  public void dots(float[] a, float[] b, int n, int width, float[] to) {
    int at = 0;
    for (int i = 0; i < n; i++) {
      int end = at + width;
      FloatVector s0 = FloatVector.zero(SPECIES);
      FloatVector s1 = FloatVector.zero(SPECIES);
      for (; at + 2 * LANES <= end; at += 2 * LANES) {
        s0 = FloatVector.fromArray(SPECIES, a, at).fma(FloatVector.fromArray(SPECIES, b, at), s0);
        s1 =
            FloatVector.fromArray(SPECIES, a, at + LANES)
                .fma(FloatVector.fromArray(SPECIES, b, at + LANES), s1);
      }
      for (; at + LANES <= end; at += LANES) {
        s0 = FloatVector.fromArray(SPECIES, a, at).fma(FloatVector.fromArray(SPECIES, b, at), s0);
      }
      float rest = 0;
      for (; at < end; at++) {
        rest = Math.fma(a[at], b[at], rest);
      }
      s0.add(s1).intoArray(lanes, 0);
      to[i] = VectorKernels.sum(lanes) + rest;
    }
  }

  /** See {@link org.retention4j.internal.float32.Kernels#scaleRows}. */
  static void scale(float[] x, int n, int width, float[] factors) {
    int at = 0;
    for (int i = 0; i < n; i++) {
      int end = at + width;
      FloatVector f = FloatVector.broadcast(SPECIES, factors[i]);
      for (; at + LANES <= end; at += LANES) {
        FloatVector.fromArray(SPECIES, x, at).mul(f).intoArray(x, at);
      }
      for (; at < end; at++) {
        x[at] *= factors[i];
      }
    }
  }

  @Override
  public void multiply(float[] x, int n, int width, float[] y) {
    int j = 0;
    for (; j + LANES <= width; j += LANES) {
      FloatVector f = FloatVector.fromArray(SPECIES, y, j);
      for (int i = 0, at = j; i < n; i++, at += width) {
        FloatVector.fromArray(SPECIES, x, at).mul(f).intoArray(x, at);
      }
    }
    for (; j < width; j++) {
      for (int i = 0; i < n; i++) {
        x[i * width + j] *= y[j];
      }
    }
  }

  @Override
  public void addScaled(float[] x, int n, int width, float[] factors, float[] sum) {
    int at = 0;
    for (int i = 0; i < n; i++) {
      int end = at + width;
      FloatVector f = FloatVector.broadcast(SPECIES, factors[i]);
      for (; at + LANES <= end; at += LANES) {
        f.fma(FloatVector.fromArray(SPECIES, x, at), FloatVector.fromArray(SPECIES, sum, at))
            .intoArray(sum, at);
      }
      for (; at < end; at++) {
        sum[at] = Math.fma(factors[i], x[at], sum[at]);
      }
    }
  }

  @Override
  public void addProducts(float[] a, float[] b, int n, int width, float[] sum) {
    int j = 0;
    for (; j + LANES <= width; j += LANES) {
      FloatVector s = FloatVector.fromArray(SPECIES, sum, j);
      for (int i = 0, at = j; i < n; i++, at += width) {
        s = FloatVector.fromArray(SPECIES, a, at).fma(FloatVector.fromArray(SPECIES, b, at), s);
      }
      s.intoArray(sum, j);
    }
    for (; j < width; j++) {
      for (int i = 0; i < n; i++) {
        sum[j] = Math.fma(a[i * width + j], b[i * width + j], sum[j]);
      }
    }
  }

  @Override
  public void rotateHeads(
      float[] x, int at, int heads, int width, int half, float[] cos, float[] sin, float factor) {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int i = 0;
    for (; i + LANES <= half; i += LANES) {
      FloatVector c = FloatVector.fromArray(SPECIES, cos, i);
      FloatVector s = FloatVector.fromArray(SPECIES, sin, i);
      for (int j = at + i; j < at + heads * width; j += width) {
        FloatVector a = FloatVector.fromArray(SPECIES, x, j);
        FloatVector b = FloatVector.fromArray(SPECIES, x, j + half);
        a.mul(c).sub(b.mul(s)).mul(f).intoArray(x, j);
        b.mul(c).add(a.mul(s)).mul(f).intoArray(x, j + half);
      }
    }
    PlainRows.rotateHeads(x, at, heads, width, i, half, cos, sin, factor);
  }

  @Override
  public float max(float[] x, int n) {
    FloatVector m0 = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    FloatVector m1 = m0;
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      m0 = m0.max(FloatVector.fromArray(SPECIES, x, i));
      m1 = m1.max(FloatVector.fromArray(SPECIES, x, i + LANES));
    }
    m0.max(m1).intoArray(lanes, 0);
    float rest = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < LANES; lane++) {
      rest = Math.max(rest, lanes[lane]);
    }
    for (; i < n; i++) {
      rest = Math.max(rest, x[i]);
    }
    return rest;
  }

  @Override
  public void silu(float[] x, float[] value, int n) {
    VectorExp.silu(x, value, n);
  }

  @Override
  public void silu(float[] x, float[] value, float[] slope, int n) {
    VectorExp.silu(x, value, slope, n);
  }
}
