package org.retention4j.engine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The Vector API, where its module is present. Only {@code fromArray} loads are used: no other
 * exists both on 17 and on 25.
 */
final class VectorKernels implements Kernels {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private final PlainKernels plain = new PlainKernels();

  @Override
  public String name() {
    return "vector-" + SPECIES.vectorBitSize();
  }

  @Override
  public void scale(float[] x, int n, float c) {
    plain.scale(x, n, c);
  }

  @Override
  public void multiply(float[] x, float[] y, int n) {
    plain.multiply(x, y, n);
  }

  @Override
  public float dot(float[] a, float[] b, int n) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      s0 = FloatVector.fromArray(SPECIES, a, i).fma(FloatVector.fromArray(SPECIES, b, i), s0);
      s1 =
          FloatVector.fromArray(SPECIES, a, i + LANES)
              .fma(FloatVector.fromArray(SPECIES, b, i + LANES), s1);
    }
    float rest = 0;
    for (; i < n; i++) {
      rest = Math.fma(a[i], b[i], rest);
    }
    return s0.add(s1).reduceLanes(VectorOperators.ADD) + rest;
  }

  @Override
  public float sumOfSquares(float[] a, int n) {
    return dot(a, a, n);
  }

  @Override
  public boolean allFinite(float[] a, int n) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector sum = zero;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      sum = FloatVector.fromArray(SPECIES, a, i).fma(zero, sum);
    }
    float rest = 0;
    for (; i < n; i++) {
      rest += a[i] * 0f;
    }
    return sum.reduceLanes(VectorOperators.ADD) + rest == 0f;
  }

  @Override
  public void addRows(float[][] rows, float[] factors, int count, float[] sum, int n) {
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      addFour(rows, i, factors, sum, n);
    }
    for (; i < count; i++) {
      addOne(rows[i], factors[i], sum, n);
    }
  }

  private static void addFour(float[][] rows, int i, float[] factors, float[] sum, int n) {
    float[] r0 = rows[i];
    float[] r1 = rows[i + 1];
    float[] r2 = rows[i + 2];
    float[] r3 = rows[i + 3];
    FloatVector f0 = FloatVector.broadcast(SPECIES, factors[i]);
    FloatVector f1 = FloatVector.broadcast(SPECIES, factors[i + 1]);
    FloatVector f2 = FloatVector.broadcast(SPECIES, factors[i + 2]);
    FloatVector f3 = FloatVector.broadcast(SPECIES, factors[i + 3]);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      FloatVector s = FloatVector.fromArray(SPECIES, sum, j);
      s = f0.fma(FloatVector.fromArray(SPECIES, r0, j), s);
      s = f1.fma(FloatVector.fromArray(SPECIES, r1, j), s);
      s = f2.fma(FloatVector.fromArray(SPECIES, r2, j), s);
      s = f3.fma(FloatVector.fromArray(SPECIES, r3, j), s);
      s.intoArray(sum, j);
    }
    for (; j < n; j++) {
      float low = Math.fma(factors[i + 1], r1[j], Math.fma(factors[i], r0[j], sum[j]));
      sum[j] = Math.fma(factors[i + 3], r3[j], Math.fma(factors[i + 2], r2[j], low));
    }
  }

  private static void addOne(float[] row, float factor, float[] sum, int n) {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      f.fma(FloatVector.fromArray(SPECIES, row, j), FloatVector.fromArray(SPECIES, sum, j))
          .intoArray(sum, j);
    }
    for (; j < n; j++) {
      sum[j] = Math.fma(factor, row[j], sum[j]);
    }
  }

  @Override
  public void decayAndAdd(float[] s, float loss, float[] add, int n) {
    FloatVector minus = FloatVector.broadcast(SPECIES, -loss);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, s, j);
      minus.fma(x, x).add(FloatVector.fromArray(SPECIES, add, j)).intoArray(s, j);
    }
    for (; j < n; j++) {
      s[j] = Math.fma(-loss, s[j], s[j]) + add[j];
    }
  }

  @Override
  public void decay(float[] s, float loss, int n) {
    plain.decay(s, loss, n);
  }

  @Override
  public float max(float[] x, int n) {
    FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      max = max.max(FloatVector.fromArray(SPECIES, x, i));
    }
    float rest = max.reduceLanes(VectorOperators.MAX);
    for (; i < n; i++) {
      rest = Math.max(rest, x[i]);
    }
    return rest;
  }

  @Override
  public float expAndSum(float[] x, float max, int n) {
    FloatVector sum = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector e = FloatVector.fromArray(SPECIES, x, i).sub(max).lanewise(VectorOperators.EXP);
      e.intoArray(x, i);
      sum = sum.add(e);
    }
    float rest = sum.reduceLanes(VectorOperators.ADD);
    for (; i < n; i++) {
      x[i] = (float) Math.exp(x[i] - max);
      rest += x[i];
    }
    return rest;
  }
}
