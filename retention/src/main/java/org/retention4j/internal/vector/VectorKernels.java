package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.internal.float32.Kernels;
import org.retention4j.internal.float32.PlainKernels;
import org.retention4j.internal.float32.RowKernels;
import org.retention4j.internal.float32.TileKernels;

/**
 * The Vector API, where its module is present. Only {@code fromArray} loads are used: no other
 * exists both on 17 and on 25.
 *
 * <p>Vectors are never passed to or returned from methods of this class: C2 inlines the Vector
 * API's own methods at any depth, but not ours, and a vector that crosses a real call is allocated.
 * Nor does the process use vectors of floats or of integers of two lengths: C2 would no longer know
 * which it has in a loop, and allocate all of them.
 */
public final class VectorKernels implements Kernels {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));

  private final PlainKernels plain = new PlainKernels();
  private final float[] lanes = new float[Math.max(4, LANES)];
  private final VectorFold fold = new VectorFold();
  private final VectorExp exp = new VectorExp();
  private final VectorNarrow narrowing = new VectorNarrow();
  private final VectorTiles tiles = new VectorTiles();
  private final VectorRows rows = new VectorRows();

  @Override
  public String name() {
    return "vector-" + SPECIES.vectorBitSize();
  }

  @Override
  public void scale(float[] x, int n, float c) {
    plain.scale(x, n, c);
  }

  @Override
  public void scaleRows(float[] x, int n, int width, float[] factors) {
    VectorRows.scale(x, n, width, factors);
  }

  @Override
  public void multiply(float[] x, float[] y, int n) {
    plain.multiply(x, y, n);
  }

  @Override
  public void multiply(float[] x, int at, float[] y, int from, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(SPECIES, x, at + i)
          .mul(FloatVector.fromArray(SPECIES, y, from + i))
          .intoArray(x, at + i);
    }
    for (; i < n; i++) {
      x[at + i] *= y[from + i];
    }
  }

  @Override
  public void rotateHalves(float[] x, int half, float[] cos, float[] sin, float factor) {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int i = 0;
    for (; i + LANES <= half; i += LANES) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, i);
      FloatVector b = FloatVector.fromArray(SPECIES, x, i + half);
      FloatVector c = FloatVector.fromArray(SPECIES, cos, i);
      FloatVector s = FloatVector.fromArray(SPECIES, sin, i);
      a.mul(c).sub(b.mul(s)).mul(f).intoArray(x, i);
      b.mul(c).add(a.mul(s)).mul(f).intoArray(x, i + half);
    }
    PlainKernels.rotateHalves(x, i, half, cos, sin, factor);
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
    s0.add(s1).intoArray(lanes, 0);
    return sum(lanes) + rest;
  }

  @Override
  public float sumOfSquares(float[] a, int n) {
    return dot(a, a, n);
  }

  @Override
  public boolean allFinite(float[] a, int n) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector sum = zero;
    FloatVector other = zero;
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      sum = FloatVector.fromArray(SPECIES, a, i).fma(zero, sum);
      other = FloatVector.fromArray(SPECIES, a, i + LANES).fma(zero, other);
    }
    float rest = 0;
    for (; i < n; i++) {
      rest += a[i] * 0f;
    }
    sum.add(other).intoArray(lanes, 0);
    return sum(lanes) + rest == 0f;
  }

  @Override
  public void addScaled(float[] x, int n, float c, float[] sum) {
    plain.addScaled(x, n, c, sum);
  }

  @Override
  public void addEach(float[][] rows, float[] factors, int count, float[] sum, int n) {
    int i = 0;
    for (; i + 4 <= count; i += 4) {
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
        FloatVector low =
            f1.fma(
                FloatVector.fromArray(SPECIES, r1, j),
                f0.fma(
                    FloatVector.fromArray(SPECIES, r0, j), FloatVector.fromArray(SPECIES, sum, j)));
        f3.fma(
                FloatVector.fromArray(SPECIES, r3, j),
                f2.fma(FloatVector.fromArray(SPECIES, r2, j), low))
            .intoArray(sum, j);
      }
      for (; j < n; j++) {
        float low = Math.fma(factors[i + 1], r1[j], Math.fma(factors[i], r0[j], sum[j]));
        sum[j] = Math.fma(factors[i + 3], r3[j], Math.fma(factors[i + 2], r2[j], low));
      }
    }
    for (; i < count; i++) {
      addRow(rows[i], 0, factors[i], sum, n);
    }
  }

  private static void addRow(float[] rows, int from, float factor, float[] sum, int n) {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      f.fma(FloatVector.fromArray(SPECIES, rows, from + j), FloatVector.fromArray(SPECIES, sum, j))
          .intoArray(sum, j);
    }
    for (; j < n; j++) {
      sum[j] = Math.fma(factor, rows[from + j], sum[j]);
    }
  }

  @Override
  public boolean flatRows() {
    return true;
  }

  /**
   * Eight rows an eighth of the way apart: each is one long stream through the memory, which the
   * processor fetches ahead better than neighbouring rows, and eight better than four.
   */
  @Override
  public void addRows(float[][] rows, int count, int width, float[] factors, float[] sum) {
    float[] x = rows[0];
    int eighth = count / 8;
    int apart = eighth * width;
    for (int i = 0; i < eighth; i++) {
      int from = i * width;
      FloatVector f0 = FloatVector.broadcast(SPECIES, factors[i]);
      FloatVector f1 = FloatVector.broadcast(SPECIES, factors[i + eighth]);
      FloatVector f2 = FloatVector.broadcast(SPECIES, factors[i + 2 * eighth]);
      FloatVector f3 = FloatVector.broadcast(SPECIES, factors[i + 3 * eighth]);
      FloatVector f4 = FloatVector.broadcast(SPECIES, factors[i + 4 * eighth]);
      FloatVector f5 = FloatVector.broadcast(SPECIES, factors[i + 5 * eighth]);
      FloatVector f6 = FloatVector.broadcast(SPECIES, factors[i + 6 * eighth]);
      FloatVector f7 = FloatVector.broadcast(SPECIES, factors[i + 7 * eighth]);
      int j = 0;
      for (; j + LANES <= width; j += LANES) {
        FloatVector a = FloatVector.fromArray(SPECIES, sum, j);
        a = f0.fma(FloatVector.fromArray(SPECIES, x, from + j), a);
        a = f1.fma(FloatVector.fromArray(SPECIES, x, from + apart + j), a);
        a = f2.fma(FloatVector.fromArray(SPECIES, x, from + 2 * apart + j), a);
        a = f3.fma(FloatVector.fromArray(SPECIES, x, from + 3 * apart + j), a);
        a = f4.fma(FloatVector.fromArray(SPECIES, x, from + 4 * apart + j), a);
        a = f5.fma(FloatVector.fromArray(SPECIES, x, from + 5 * apart + j), a);
        a = f6.fma(FloatVector.fromArray(SPECIES, x, from + 6 * apart + j), a);
        a = f7.fma(FloatVector.fromArray(SPECIES, x, from + 7 * apart + j), a);
        a.intoArray(sum, j);
      }
      for (; j < width; j++) {
        for (int r = 0; r < 8; r++) {
          sum[j] = Math.fma(factors[i + r * eighth], x[from + r * apart + j], sum[j]);
        }
      }
    }
    for (int i = 8 * eighth; i < count; i++) {
      addRow(x, i * width, factors[i], sum, width);
    }
  }

  @Override
  public void decayAndAdd(float[][] s, int row, int valueWidth, float loss, float[] add) {
    float[] x = s[0];
    int from = row * valueWidth;
    FloatVector minus = FloatVector.broadcast(SPECIES, -loss);
    int j = 0;
    for (; j + LANES <= valueWidth; j += LANES) {
      FloatVector old = FloatVector.fromArray(SPECIES, x, from + j);
      minus.fma(old, old).add(FloatVector.fromArray(SPECIES, add, j)).intoArray(x, from + j);
    }
    for (; j < valueWidth; j++) {
      x[from + j] = Math.fma(-loss, x[from + j], x[from + j]) + add[j];
    }
  }

  @Override
  public void scaleAndAdd(float[][] s, int row, int valueWidth, float factor, float[] add) {
    float[] x = s[0];
    int from = row * valueWidth;
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    int j = 0;
    for (; j + LANES <= valueWidth; j += LANES) {
      f.fma(FloatVector.fromArray(SPECIES, x, from + j), FloatVector.fromArray(SPECIES, add, j))
          .intoArray(x, from + j);
    }
    for (; j < valueWidth; j++) {
      x[from + j] = Math.fma(factor, x[from + j], add[j]);
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
    if (!isLoss) {
      // Rarely; S − 0·S then is S to the bit.
      scale(s[0], keyWidth * valueWidth, amount);
    }
    fold.run(s[0], keyWidth, valueWidth, isLoss ? amount : 0, keys, values, count);
  }

  @Override
  public void addRows(short[] rows, int count, int width, float[] factors, float[] sum) {
    int quarter = count / 4;
    int apart = quarter * width;
    for (int i = 0; i < quarter; i++) {
      int from = i * width;
      FloatVector f0 = FloatVector.broadcast(SPECIES, factors[i]);
      FloatVector f1 = FloatVector.broadcast(SPECIES, factors[i + quarter]);
      FloatVector f2 = FloatVector.broadcast(SPECIES, factors[i + 2 * quarter]);
      FloatVector f3 = FloatVector.broadcast(SPECIES, factors[i + 3 * quarter]);
      int j = 0;
      for (; j + LANES <= width; j += LANES) {
        FloatVector a = FloatVector.fromArray(SPECIES, sum, j);
        a =
            f0.fma(
                ((IntVector)
                        ShortVector.fromArray(HALVES, rows, from + j)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats(),
                a);
        a =
            f1.fma(
                ((IntVector)
                        ShortVector.fromArray(HALVES, rows, from + apart + j)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats(),
                a);
        a =
            f2.fma(
                ((IntVector)
                        ShortVector.fromArray(HALVES, rows, from + 2 * apart + j)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats(),
                a);
        a =
            f3.fma(
                ((IntVector)
                        ShortVector.fromArray(HALVES, rows, from + 3 * apart + j)
                            .convertShape(VectorOperators.S2I, INTS, 0))
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats(),
                a);
        a.intoArray(sum, j);
      }
      for (; j < width; j++) {
        float low = Math.fma(factors[i], Bfloat16.toFloat(rows[from + j]), sum[j]);
        low = Math.fma(factors[i + quarter], Bfloat16.toFloat(rows[from + apart + j]), low);
        low = Math.fma(factors[i + 2 * quarter], Bfloat16.toFloat(rows[from + 2 * apart + j]), low);
        sum[j] =
            Math.fma(factors[i + 3 * quarter], Bfloat16.toFloat(rows[from + 3 * apart + j]), low);
      }
    }
    for (int i = 4 * quarter; i < count; i++) {
      for (int j = 0; j < width; j++) {
        sum[j] = Math.fma(factors[i], Bfloat16.toFloat(rows[i * width + j]), sum[j]);
      }
    }
  }

  @Override
  public void narrow(float[] from, int at, short[] to, int n) {
    narrowing.run(from, at, to, n);
  }

  @Override
  public TileKernels ofTiles() {
    return tiles;
  }

  @Override
  public void widen(short[] from, int at, float[] to, int n) {
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      ((IntVector)
              ShortVector.fromArray(HALVES, from, at + j)
                  .convertShape(VectorOperators.S2I, INTS, 0))
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(to, j);
    }
    for (; j < n; j++) {
      to[j] = Bfloat16.toFloat(from[at + j]);
    }
  }

  @Override
  public float max(float[] x, int n) {
    // The Vector API's is left uncompiled in every second JVM of Java 25, and makes objects then.
    return plain.max(x, n);
  }

  @Override
  public float expAndSum(float[] x, float max, int n) {
    return exp.run(x, max, n);
  }

  /** In one order: the Vector API changes its own. Four sums side by side, since each waits. */
  static float sum(float[] lanes) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    for (int i = 0; i < lanes.length; i += 4) {
      s0 += lanes[i];
      s1 += lanes[i + 1];
      s2 += lanes[i + 2];
      s3 += lanes[i + 3];
    }
    return (s0 + s1) + (s2 + s3);
  }

  @Override
  public RowKernels rows() {
    return rows;
  }

  @Override
  public void sigmoid(float[] x, float[] to, int n) {
    VectorExp.sigmoid(x, to, n);
  }
}
