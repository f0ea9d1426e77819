package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.internal.float32.Kernels;
import org.retention4j.internal.float32.PlainKernels;
import org.retention4j.internal.float32.PlainRows;
import org.retention4j.internal.float32.RowKernels;

/**
 * The exponentials of a softmax and their sum, and the sigmoid. See {@link VectorKernels} for its
 * rules.
 */
final class VectorExp {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private static final float LOG2_E = 1.442695041f;
  private static final float LN2_HIGH = 0x1.62e400p-1f;
  private static final float LN2_LOW = 0x1.7f7d1cp-20f;

  /** Adding it leaves the nearest integer in the low bits. */
  private static final float ROUNDER = 0x1.8p23f;

  /** e^x of less is 0 beside the softmax's largest, which is 1. */
  private static final float SMALLEST = -87f;

  private static final int LARGEST_BITS = Float.floatToIntBits(-SMALLEST);

  /** A float that is less than {@link #SMALLEST} is so by more than 1 over this. */
  private static final float STEEP = 0x1p20f;

  private final float[] lanes = new float[LANES];

  /**
   * See {@link Kernels#expAndSum}. e^x by the usual reduction to |r| ≤ ln 2 / 2 and a polynomial of
   * degree 6, within 2 units in the last place. The Vector API's own exponential gives other bits
   * before it is compiled than after.
   */
  float run(float[] x, float max, int n) {
    FloatVector sum = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector d = FloatVector.fromArray(SPECIES, x, i).sub(max);
      FloatVector y = d.max(SMALLEST);
      FloatVector e = exponential(y);
      // 1 from SMALLEST on, 0 below it, and NaN for NaN: masks would do too, but when other code
      // was compiled first C2 makes objects of what they blend.
      FloatVector counts =
          d.sub(SMALLEST)
              .fma(FloatVector.broadcast(SPECIES, STEEP), FloatVector.broadcast(SPECIES, 1f))
              .max(0f)
              .min(1f);
      e = e.mul(counts);
      e.intoArray(x, i);
      sum = sum.add(e);
    }
    sum.intoArray(lanes, 0);
    float rest = 0;
    for (int lane = 0; lane < LANES; lane++) { // in one order: the Vector API changes its own
      rest += lanes[lane];
    }
    for (; i < n; i++) {
      x[i] = (float) Math.exp(x[i] - max);
      rest += x[i];
    }
    return rest;
  }

  /** Returns e^y for y from {@link #SMALLEST} to the same above 0. */
  private static FloatVector exponential(FloatVector y) {
    FloatVector shifted =
        y.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUNDER));
    FloatVector k = shifted.sub(ROUNDER);
    FloatVector r = k.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), y);
    r = k.fma(FloatVector.broadcast(SPECIES, -LN2_LOW), r);
    FloatVector p =
        r.fma(FloatVector.broadcast(SPECIES, 1 / 720f), FloatVector.broadcast(SPECIES, 1 / 120f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1 / 24f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1 / 6f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 0.5f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1f));
    p = p.fma(r, FloatVector.broadcast(SPECIES, 1f));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
  }

  /** See {@link Kernels#sigmoid}; beyond ±87 it stays what it is there, less than 1e-37 off. */
  static void sigmoid(float[] x, float[] to, int n) {
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector y = FloatVector.fromArray(SPECIES, x, i).neg().max(SMALLEST).min(-SMALLEST);
      one.div(exponential(y).add(one)).intoArray(to, i);
    }
    PlainKernels.sigmoid(x, to, i, n);
  }

  /**
   * Returns −x, no further from 0 than {@link #SMALLEST}, and something that is a number for NaN.
   * By its bits: minima and maxima of floats take several instructions each.
   */
  private static FloatVector bounded(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector size = bits.and(Integer.MAX_VALUE).min(LARGEST_BITS);
    return bits.not().and(Integer.MIN_VALUE).or(size).reinterpretAsFloats();
  }

  /** See {@link RowKernels#silu(float[], float[], int)}. */
  static void silu(float[] x, float[] value, int n) {
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, i);
      one.div(exponential(bounded(a)).add(one)).mul(a).intoArray(value, i);
    }
    PlainRows.silu(x, value, i, n);
  }

  /** See {@link RowKernels#silu(float[], float[], float[], int)}. */
  static void silu(float[] x, float[] value, float[] slope, int n) {
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, i);
      FloatVector s = one.div(exponential(bounded(a)).add(one));
      a.mul(s).intoArray(value, i);
      one.sub(s).fma(a, one).mul(s).intoArray(slope, i);
    }
    PlainRows.silu(x, value, slope, i, n);
  }
}
