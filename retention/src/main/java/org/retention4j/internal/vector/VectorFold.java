package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.internal.float32.Kernels;
import org.retention4j.internal.float32.PlainKernels;

/**
 * Folds the waiting tokens of a decoder into its flat state: four rows by two vectors stay in
 * registers while the tokens pass. See {@link VectorKernels} for its rules.
 */
final class VectorFold {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private float[] flatKeys = new float[0];
  private float[] flatValues = new float[0];

  /** See {@link Kernels#fold}. */
  void run(
      float[] x,
      int keyWidth,
      int valueWidth,
      float loss,
      float[][] keys,
      float[][] values,
      int count) {
    int n = valueWidth;
    boolean once = PlainKernels.remembersLong(loss);
    flatKeys = flat(keys, keyWidth, count, flatKeys);
    flatValues = flat(values, valueWidth, count, flatValues);
    int k = 0;
    for (; k + 4 <= keyWidth; k += 4) {
      int j = 0;
      for (; j + 2 * LANES <= n; j += 2 * LANES) {
        if (once) {
          foldBlockOnce(x, k * n + j, n, loss, flatKeys, k, keyWidth, flatValues, j, count);
        } else {
          foldBlock(x, k * n + j, n, loss, flatKeys, k, keyWidth, flatValues, j, count);
        }
      }
      for (int row = k; row < k + 4; row++) {
        foldOne(x, row, j, n, loss, keys, values, count);
      }
    }
    for (; k < keyWidth; k++) {
      foldOne(x, k, 0, n, loss, keys, values, count);
    }
  }

  private static float[] flat(float[][] rows, int width, int count, float[] old) {
    float[] to = old.length < count * width ? new float[count * width] : old;
    for (int i = 0; i < count; i++) {
      System.arraycopy(rows[i], 0, to, i * width, width);
    }
    return to;
  }

  private static void foldBlock(
      float[] x,
      int at,
      int n,
      float loss,
      float[] keys,
      int key,
      int keyWidth,
      float[] values,
      int value,
      int count) {
    FloatVector minus = FloatVector.broadcast(SPECIES, -loss);
    FloatVector a0 = FloatVector.fromArray(SPECIES, x, at);
    a0 = minus.fma(a0, a0);
    FloatVector a1 = FloatVector.fromArray(SPECIES, x, at + LANES);
    a1 = minus.fma(a1, a1);
    FloatVector b0 = FloatVector.fromArray(SPECIES, x, at + n);
    b0 = minus.fma(b0, b0);
    FloatVector b1 = FloatVector.fromArray(SPECIES, x, at + n + LANES);
    b1 = minus.fma(b1, b1);
    FloatVector c0 = FloatVector.fromArray(SPECIES, x, at + 2 * n);
    c0 = minus.fma(c0, c0);
    FloatVector c1 = FloatVector.fromArray(SPECIES, x, at + 2 * n + LANES);
    c1 = minus.fma(c1, c1);
    FloatVector d0 = FloatVector.fromArray(SPECIES, x, at + 3 * n);
    d0 = minus.fma(d0, d0);
    FloatVector d1 = FloatVector.fromArray(SPECIES, x, at + 3 * n + LANES);
    d1 = minus.fma(d1, d1);
    int keyAt = key;
    int valueAt = value;
    for (int i = 0; i < count; i++) {
      FloatVector v0 = FloatVector.fromArray(SPECIES, values, valueAt);
      FloatVector v1 = FloatVector.fromArray(SPECIES, values, valueAt + LANES);
      FloatVector f = FloatVector.broadcast(SPECIES, keys[keyAt]);
      a0 = f.fma(v0, a0);
      a1 = f.fma(v1, a1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 1]);
      b0 = f.fma(v0, b0);
      b1 = f.fma(v1, b1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 2]);
      c0 = f.fma(v0, c0);
      c1 = f.fma(v1, c1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 3]);
      d0 = f.fma(v0, d0);
      d1 = f.fma(v1, d1);
      keyAt += keyWidth;
      valueAt += n;
    }
    a0.intoArray(x, at);
    a1.intoArray(x, at + LANES);
    b0.intoArray(x, at + n);
    b1.intoArray(x, at + n + LANES);
    c0.intoArray(x, at + 2 * n);
    c1.intoArray(x, at + 2 * n + LANES);
    d0.intoArray(x, at + 3 * n);
    d1.intoArray(x, at + 3 * n + LANES);
  }

  /** The same, S rounded once for all tokens. */
  private static void foldBlockOnce(
      float[] x,
      int at,
      int n,
      float loss,
      float[] keys,
      int key,
      int keyWidth,
      float[] values,
      int value,
      int count) {
    // S comes from far away: it is asked for first, though it is needed last.
    FloatVector sa0 = FloatVector.fromArray(SPECIES, x, at);
    FloatVector sa1 = FloatVector.fromArray(SPECIES, x, at + LANES);
    FloatVector sb0 = FloatVector.fromArray(SPECIES, x, at + n);
    FloatVector sb1 = FloatVector.fromArray(SPECIES, x, at + n + LANES);
    FloatVector sc0 = FloatVector.fromArray(SPECIES, x, at + 2 * n);
    FloatVector sc1 = FloatVector.fromArray(SPECIES, x, at + 2 * n + LANES);
    FloatVector sd0 = FloatVector.fromArray(SPECIES, x, at + 3 * n);
    FloatVector sd1 = FloatVector.fromArray(SPECIES, x, at + 3 * n + LANES);
    // From 0 on and not from S: what is new is rounded at its own size, S once.
    FloatVector a0 = FloatVector.zero(SPECIES);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    int keyAt = key;
    int valueAt = value;
    for (int i = 0; i < count; i++) {
      FloatVector v0 = FloatVector.fromArray(SPECIES, values, valueAt);
      FloatVector v1 = FloatVector.fromArray(SPECIES, values, valueAt + LANES);
      FloatVector f = FloatVector.broadcast(SPECIES, keys[keyAt]);
      a0 = f.fma(v0, a0);
      a1 = f.fma(v1, a1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 1]);
      b0 = f.fma(v0, b0);
      b1 = f.fma(v1, b1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 2]);
      c0 = f.fma(v0, c0);
      c1 = f.fma(v1, c1);
      f = FloatVector.broadcast(SPECIES, keys[keyAt + 3]);
      d0 = f.fma(v0, d0);
      d1 = f.fma(v1, d1);
      keyAt += keyWidth;
      valueAt += n;
    }
    FloatVector minus = FloatVector.broadcast(SPECIES, -loss);
    minus.fma(sa0, sa0).add(a0).intoArray(x, at);
    minus.fma(sa1, sa1).add(a1).intoArray(x, at + LANES);
    minus.fma(sb0, sb0).add(b0).intoArray(x, at + n);
    minus.fma(sb1, sb1).add(b1).intoArray(x, at + n + LANES);
    minus.fma(sc0, sc0).add(c0).intoArray(x, at + 2 * n);
    minus.fma(sc1, sc1).add(c1).intoArray(x, at + 2 * n + LANES);
    minus.fma(sd0, sd0).add(d0).intoArray(x, at + 3 * n);
    minus.fma(sd1, sd1).add(d1).intoArray(x, at + 3 * n + LANES);
  }

  private static void foldOne(
      float[] x,
      int k,
      int fromColumn,
      int n,
      float loss,
      float[][] keys,
      float[][] values,
      int count) {
    for (int j = fromColumn; j < n; j++) {
      float sum = 0;
      for (int i = 0; i < count; i++) {
        sum = Math.fma(keys[i][k], values[i][j], sum);
      }
      x[k * n + j] = Math.fma(-loss, x[k * n + j], x[k * n + j]) + sum;
    }
  }
}
