package org.retention4j.engine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link PairedKernels} of vectors of 256 bits, which come with registers for two groups of four
 * rows.
 */
final class PairedKernels256 extends PairedKernels {
  @Override
  public void addFour(
      int[] w,
      int at,
      int apart,
      int pairs,
      float[] x,
      int from,
      float[] sum,
      int to,
      int toApart,
      int rowApart) {
    addTwoGroups(w, at, apart, pairs, x, from, sum, to, toApart, rowApart);
    int third = at + 2 * apart;
    int thirdTo = to + 2 * toApart;
    addTwoGroups(w, third, apart, pairs, x, from, sum, thirdTo, toApart, rowApart);
  }

  private static void addTwoGroups(
      int[] w,
      int at,
      int apart,
      int pairs,
      float[] x,
      int from,
      float[] sum,
      int to,
      int toApart,
      int rowApart) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, sum, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sum, to + toApart);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sum, to + rowApart);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sum, to + rowApart + toApart);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sum, to + 2 * rowApart);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sum, to + 2 * rowApart + toApart);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sum, to + 3 * rowApart);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sum, to + 3 * rowApart + toApart);
    for (int p = 0; p < pairs; p++) {
      IntVector both0 = IntVector.fromArray(INTS, w, at + p * GROUP);
      FloatVector even0 = both0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd0 = both0.and(UPPER).reinterpretAsFloats();
      IntVector both1 = IntVector.fromArray(INTS, w, at + apart + p * GROUP);
      FloatVector even1 = both1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd1 = both1.and(UPPER).reinterpretAsFloats();
      FloatVector f = FloatVector.broadcast(FLOATS, x[from + 8 * p]);
      a0 = even0.fma(f, a0);
      b0 = even1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 4]);
      a0 = odd0.fma(f, a0);
      b0 = odd1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 1]);
      a1 = even0.fma(f, a1);
      b1 = even1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 5]);
      a1 = odd0.fma(f, a1);
      b1 = odd1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 2]);
      a2 = even0.fma(f, a2);
      b2 = even1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 6]);
      a2 = odd0.fma(f, a2);
      b2 = odd1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 3]);
      a3 = even0.fma(f, a3);
      b3 = even1.fma(f, b3);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 7]);
      a3 = odd0.fma(f, a3);
      b3 = odd1.fma(f, b3);
    }
    a0.intoArray(sum, to);
    b0.intoArray(sum, to + toApart);
    a1.intoArray(sum, to + rowApart);
    b1.intoArray(sum, to + rowApart + toApart);
    a2.intoArray(sum, to + 2 * rowApart);
    b2.intoArray(sum, to + 2 * rowApart + toApart);
    a3.intoArray(sum, to + 3 * rowApart);
    b3.intoArray(sum, to + 3 * rowApart + toApart);
  }
}
