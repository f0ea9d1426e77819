package org.retention4j.engine;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Int8Kernels} of vectors of 256 bits, which come with registers for two groups of four
 * rows.
 */
final class Int8Kernels256 extends Int8Kernels {
  private static final int GROUP = PairedKernels.GROUP;
  private static final VectorSpecies<Float> FLOATS = PairedKernels.FLOATS;
  private static final VectorSpecies<Integer> INTS = PairedKernels.INTS;

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
  public void addFour(
      int[] w,
      int at,
      int apart,
      int steps,
      float[] x,
      int from,
      float[] sum,
      int to,
      int toApart,
      int rowApart) {
    for (int g = 0; g < 4; g += 2) {
      int first = at + g * apart;
      int firstTo = to + g * toApart;
      addTwo(w, first, apart, steps, 24, x, from, sum, firstTo, toApart, rowApart);
      addTwo(w, first, apart, steps, 8, x, from + 8, sum, firstTo, toApart, rowApart);
    }
  }

  /** The weights that stand where {@code left} bits to the left are, and 8 fewer. */
  private static void addTwo(
      int[] w,
      int at,
      int apart,
      int steps,
      int left,
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
    for (int p = 0; p < steps; p++) {
      IntVector w0 = IntVector.fromArray(INTS, w, at + p * GROUP);
      FloatVector first0 =
          (FloatVector) w0.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      FloatVector second0 =
          (FloatVector) w0.lanewise(VectorOperators.LSHL, left - 8).convert(VectorOperators.I2F, 0);
      IntVector w1 = IntVector.fromArray(INTS, w, at + apart + p * GROUP);
      FloatVector first1 =
          (FloatVector) w1.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      FloatVector second1 =
          (FloatVector) w1.lanewise(VectorOperators.LSHL, left - 8).convert(VectorOperators.I2F, 0);
      FloatVector f = FloatVector.broadcast(FLOATS, x[from + 16 * p]);
      a0 = first0.fma(f, a0);
      b0 = first1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 4]);
      a0 = second0.fma(f, a0);
      b0 = second1.fma(f, b0);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 1]);
      a1 = first0.fma(f, a1);
      b1 = first1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 5]);
      a1 = second0.fma(f, a1);
      b1 = second1.fma(f, b1);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 2]);
      a2 = first0.fma(f, a2);
      b2 = first1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 6]);
      a2 = second0.fma(f, a2);
      b2 = second1.fma(f, b2);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 3]);
      a3 = first0.fma(f, a3);
      b3 = first1.fma(f, b3);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 7]);
      a3 = second0.fma(f, a3);
      b3 = second1.fma(f, b3);
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
