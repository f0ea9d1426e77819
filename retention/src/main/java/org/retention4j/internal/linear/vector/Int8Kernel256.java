package org.retention4j.internal.linear.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Int8Kernel} of vectors of 256 bits, which come with registers for two groups of four rows.
 */
final class Int8Kernel256 extends Int8Kernel {
  private static final int GROUP = VectorGeometry.GROUP;
  private static final VectorSpecies<Float> FLOATS = VectorGeometry.FLOATS;
  private static final VectorSpecies<Integer> INTS = VectorGeometry.INTS;

  /** Elements of four rows' four inputs for an integer of a group. */
  private static final int ELEMENTS = 4 * VectorGeometry.FOUR / GROUP;

  /** Four groups after the other four: C2 gives up on conversions of more. */
  @Override
  public void multiplyEight(
      int[] w, int at, int apart, int steps, float[] x, float[] sum, int to, int toApart) {
    multiplyFour(w, at, apart, steps, x, sum, to, toApart);
    multiplyFour(w, at + 4 * apart, apart, steps, x, sum, to + 4 * toApart, toApart);
  }

  private static void multiplyFour(
      int[] w, int at, int apart, int steps, float[] x, float[] sum, int to, int toApart) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = FloatVector.zero(FLOATS);
    FloatVector c = FloatVector.zero(FLOATS);
    FloatVector d = FloatVector.zero(FLOATS);
    for (int p = 0; p < steps; p++) {
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[4 * p]);
      FloatVector x1 = FloatVector.broadcast(FLOATS, x[4 * p + 1]);
      FloatVector x2 = FloatVector.broadcast(FLOATS, x[4 * p + 2]);
      FloatVector x3 = FloatVector.broadcast(FLOATS, x[4 * p + 3]);
      IntVector four = IntVector.fromArray(INTS, w, at + p * GROUP);
      a =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, a);
      a =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, a);
      a =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, a);
      a = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, a);
      four = IntVector.fromArray(INTS, w, at + apart + p * GROUP);
      b =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, b);
      b =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, b);
      b =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, b);
      b = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, b);
      four = IntVector.fromArray(INTS, w, at + 2 * apart + p * GROUP);
      c =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, c);
      c =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, c);
      c =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, c);
      c = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, c);
      four = IntVector.fromArray(INTS, w, at + 3 * apart + p * GROUP);
      d =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, d);
      d =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, d);
      d =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, d);
      d = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, d);
    }
    a.intoArray(sum, to);
    b.intoArray(sum, to + toApart);
    c.intoArray(sum, to + 2 * toApart);
    d.intoArray(sum, to + 3 * toApart);
  }

  @Override
  public void addFours(
      int[] w, int at, int apart, int steps, float[][] x, int from, float[] sum, int to) {
    addTwoGroups(w, at, apart, steps, x, from, sum, to);
    addTwoGroups(w, at + 2 * apart, apart, steps, x, from, sum, to + 2 * GROUP);
  }

  private static void addTwoGroups(
      int[] w, int at, int apart, int steps, float[][] x, int from, float[] sum, int to) {
    for (int i = 0; i < x.length; i++) {
      int place = to + i * VectorGeometry.SUMS;
      for (int k = 0; k < 4; k++) {
        addFour(w, at, apart, steps, 24 - 8 * k, x[i], from + VectorGeometry.FOUR * k, sum, place);
      }
    }
  }

  /** The weights that stand where {@code left} bits to the left are. */
  private static void addFour(
      int[] w, int at, int apart, int steps, int left, float[] x, int from, float[] sum, int to) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, sum, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sum, to + GROUP);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sum, to + 4 * GROUP);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sum, to + 5 * GROUP);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sum, to + 8 * GROUP);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sum, to + 9 * GROUP);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sum, to + 12 * GROUP);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sum, to + 13 * GROUP);
    int d = from - ELEMENTS * at;
    int end = at + GROUP * steps;
    for (int i = at; i < end; i += GROUP) {
      IntVector four = IntVector.fromArray(INTS, w, i);
      FloatVector w0 =
          (FloatVector) four.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      four = IntVector.fromArray(INTS, w, i + apart);
      FloatVector w1 =
          (FloatVector) four.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      FloatVector f = FloatVector.broadcast(FLOATS, x[ELEMENTS * i + d]);
      a0 = w0.fma(f, a0);
      b0 = w1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[ELEMENTS * i + d + 1]);
      a1 = w0.fma(f, a1);
      b1 = w1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[ELEMENTS * i + d + 2]);
      a2 = w0.fma(f, a2);
      b2 = w1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[ELEMENTS * i + d + 3]);
      a3 = w0.fma(f, a3);
      b3 = w1.fma(f, b3);
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
