package org.retention4j.internal.linear.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Bf16Kernel} of vectors of 256 bits, which come with registers for two groups of four rows.
 */
final class Bf16Kernel256 extends Bf16Kernel {
  /** Elements of four rows for a pair of inputs. */
  private static final int PAIR = 2 * VectorGeometry.FOUR;

  /** Weights of a pair for an element: one for one, so that a counter serves both. */
  private static final int WEIGHTS = GROUP / PAIR;

  @Override
  public void addFours(
      int[] w, int at, int apart, int pairs, float[][] x, int from, float[] sum, int to) {
    addTwoGroups(w, at, apart, pairs, x, from, sum, to);
    addTwoGroups(w, at + 2 * apart, apart, pairs, x, from, sum, to + 2 * GROUP);
  }

  private static void addTwoGroups(
      int[] w, int at, int apart, int pairs, float[][] x, int from, float[] sum, int to) {
    for (int i = 0; i < x.length; i++) {
      addFour(w, at, apart, pairs, x[i], from, sum, to + i * SUMS);
    }
  }

  private static void addFour(
      int[] w, int at, int apart, int pairs, float[] x, int from, float[] sum, int to) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, sum, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sum, to + GROUP);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sum, to + 4 * GROUP);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sum, to + 5 * GROUP);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sum, to + 8 * GROUP);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sum, to + 9 * GROUP);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sum, to + 12 * GROUP);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sum, to + 13 * GROUP);
    int d = at - WEIGHTS * from;
    int end = from + PAIR * pairs;
    for (int i = from; i < end; i += PAIR) {
      IntVector both0 = IntVector.fromArray(INTS, w, WEIGHTS * i + d);
      FloatVector even0 = both0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd0 = both0.and(UPPER).reinterpretAsFloats();
      IntVector both1 = IntVector.fromArray(INTS, w, WEIGHTS * i + d + apart);
      FloatVector even1 = both1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd1 = both1.and(UPPER).reinterpretAsFloats();
      FloatVector f = FloatVector.broadcast(FLOATS, x[i]);
      a0 = even0.fma(f, a0);
      b0 = even1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[i + 4]);
      a0 = odd0.fma(f, a0);
      b0 = odd1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[i + 1]);
      a1 = even0.fma(f, a1);
      b1 = even1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[i + 5]);
      a1 = odd0.fma(f, a1);
      b1 = odd1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[i + 2]);
      a2 = even0.fma(f, a2);
      b2 = even1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[i + 6]);
      a2 = odd0.fma(f, a2);
      b2 = odd1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[i + 3]);
      a3 = even0.fma(f, a3);
      b3 = even1.fma(f, b3);
      f = FloatVector.broadcast(FLOATS, x[i + 7]);
      a3 = odd0.fma(f, a3);
      b3 = odd1.fma(f, b3);
    }
    a0.intoArray(sum, to);
    b0.intoArray(sum, to + GROUP);
    a1.intoArray(sum, to + 4 * GROUP);
    b1.intoArray(sum, to + 5 * GROUP);
    a2.intoArray(sum, to + 8 * GROUP);
    b2.intoArray(sum, to + 9 * GROUP);
    a3.intoArray(sum, to + 12 * GROUP);
    b3.intoArray(sum, to + 13 * GROUP);
  }
}
