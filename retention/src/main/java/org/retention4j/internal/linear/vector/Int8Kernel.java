package org.retention4j.internal.linear.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of fp32 rows with 8-bit weights on the heap, see {@link Int8VectorWeights}. An integer
 * holds four weights of one output as their sum with place values, w0 + 2⁸ w1 + 2¹⁶ w2 + 2²⁴ w3.
 * Shifted to the left by 24, 16, 8 and 0 bits it is 2²⁴ times
 *
 * <pre>
 * w0,   w1 + w0/2⁸,   w2 + w1/2⁸ + w0/2¹⁶,   w3 + w2/2⁸ + w1/2¹⁶ + w0/2²⁴
 * </pre>
 *
 * <p>whose products with x0 − x1/2⁸, x1 − x2/2⁸, x2 − x3/2⁸ and x3 add up to 2²⁴ (x0 w0 + x1 w1 +
 * x2 w2 + x3 w3). So nothing has to be cut out or taken back, and rows are prepared once, which
 * takes the 2²⁴ off as well.
 *
 * <p>Written out for the reasons that {@link Bf16Kernel} gives.
 */
sealed class Int8Kernel implements MatMulKernel permits Int8Kernel256 {
  private static final int GROUP = VectorGeometry.GROUP;
  private static final VectorSpecies<Float> FLOATS = VectorGeometry.FLOATS;
  private static final VectorSpecies<Integer> INTS = VectorGeometry.INTS;

  /** What is left for the products to be multiplied with: the largest weight stands for 1 so. */
  static final float FACTOR = 0x1p7f;

  /** Takes the 2²⁴ off, and as much as {@link #FACTOR} gives back: sums do not overflow early. */
  private static final float ROW_FACTOR = 0x1p-24f / FACTOR;

  /** Added to an integer, and taken off bit by bit, it makes of its sum four bytes. */
  static final int SIGNS = 0x808080;

  private static final float[] STEPS = new float[GROUP];

  static {
    for (int i = 0; i < GROUP; i++) {
      STEPS[i] = i % 4 == 3 ? 0 : -0x1p-8f;
    }
  }

  /** Returns four weights in an integer. */
  static int pack(byte first, byte second, byte third, byte fourth) {
    return first + (second << 8) + (third << 16) + (fourth << 24);
  }

  /** Returns one of four weights. */
  static byte unpack(int four, int which) {
    return (byte) (((four + SIGNS) ^ SIGNS) >> (8 * which));
  }

  /**
   * Makes of a row what the products read.
   *
   * @param x longer than n; what follows the n elements is finite
   * @param n a multiple of 16
   */
  static void prepare(float[] x, int n) {
    FloatVector steps = FloatVector.fromArray(FLOATS, STEPS, 0);
    for (int i = 0; i < n; i += GROUP) {
      FloatVector next = FloatVector.fromArray(FLOATS, x, i + 1);
      steps.fma(next, FloatVector.fromArray(FLOATS, x, i)).mul(ROW_FACTOR).intoArray(x, i);
    }
  }

  /** Returns those for the processor's vectors. */
  static Int8Kernel create() {
    return VectorGeometry.WIDE ? new Int8Kernel() : new Int8Kernel256();
  }

  /**
   * Widens a group's weights: an input's go {@code width} behind those of the input before.
   *
   * @param factors of the outputs, the group's from {@code first} on
   */
  static void widen(
      int[] w, int at, int steps, float[] factors, int first, float[] to, int place, int width) {
    // Shifts of one kind only: C2 counts where another was met and in the end trusts no type.
    FloatVector factor = FloatVector.fromArray(FLOATS, factors, first).mul(0x1p-24f);
    for (int p = 0; p < steps; p++) {
      IntVector four =
          IntVector.fromArray(INTS, w, at + p * GROUP)
              .add(SIGNS)
              .lanewise(VectorOperators.XOR, SIGNS);
      for (int i = 0; i < 4; i++) {
        FloatVector weights =
            (FloatVector)
                four.lanewise(VectorOperators.LSHL, 24 - 8 * i)
                    .and(0xff000000)
                    .convert(VectorOperators.I2F, 0);
        weights.mul(factor).intoArray(to, place + (4 * p + i) * width);
      }
    }
  }

  @Override
  public int inputs() {
    return 4;
  }

  @Override
  public void multiplyEight(
      int[] w, int at, int apart, int steps, float[] x, float[] sum, int to, int toApart) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = FloatVector.zero(FLOATS);
    FloatVector c = FloatVector.zero(FLOATS);
    FloatVector d = FloatVector.zero(FLOATS);
    FloatVector e = FloatVector.zero(FLOATS);
    FloatVector f = FloatVector.zero(FLOATS);
    FloatVector g = FloatVector.zero(FLOATS);
    FloatVector h = FloatVector.zero(FLOATS);
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
      four = IntVector.fromArray(INTS, w, at + 4 * apart + p * GROUP);
      e =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, e);
      e =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, e);
      e =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, e);
      e = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, e);
      four = IntVector.fromArray(INTS, w, at + 5 * apart + p * GROUP);
      f =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, f);
      f =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, f);
      f =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, f);
      f = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, f);
      four = IntVector.fromArray(INTS, w, at + 6 * apart + p * GROUP);
      g =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, g);
      g =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, g);
      g =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, g);
      g = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, g);
      four = IntVector.fromArray(INTS, w, at + 7 * apart + p * GROUP);
      h =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 24).convert(VectorOperators.I2F, 0))
              .fma(x0, h);
      h =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 16).convert(VectorOperators.I2F, 0))
              .fma(x1, h);
      h =
          ((FloatVector) four.lanewise(VectorOperators.LSHL, 8).convert(VectorOperators.I2F, 0))
              .fma(x2, h);
      h = ((FloatVector) four.convert(VectorOperators.I2F, 0)).fma(x3, h);
    }
    a.intoArray(sum, to);
    b.intoArray(sum, to + toApart);
    c.intoArray(sum, to + 2 * toApart);
    d.intoArray(sum, to + 3 * toApart);
    e.intoArray(sum, to + 4 * toApart);
    f.intoArray(sum, to + 5 * toApart);
    g.intoArray(sum, to + 6 * toApart);
    h.intoArray(sum, to + 7 * toApart);
  }

  /** Two weights of each integer after the other two, since registers do not hold more. */
  @Override
  public void addFours(
      int[] w, int at, int apart, int steps, float[][] x, int from, float[] sum, int to) {
    for (int i = 0; i < x.length; i++) {
      int place = to + i * VectorGeometry.SUMS;
      addTwo(w, at, apart, steps, 24, x[i], from, sum, place);
      addTwo(w, at, apart, steps, 8, x[i], from + 8, sum, place);
    }
  }

  /** The weights that stand where {@code left} bits to the left are, and 8 fewer. */
  private static void addTwo(
      int[] w, int at, int apart, int steps, int left, float[] x, int from, float[] sum, int to) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, sum, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sum, to + GROUP);
    FloatVector c0 = FloatVector.fromArray(FLOATS, sum, to + 2 * GROUP);
    FloatVector d0 = FloatVector.fromArray(FLOATS, sum, to + 3 * GROUP);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sum, to + 4 * GROUP);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sum, to + 5 * GROUP);
    FloatVector c1 = FloatVector.fromArray(FLOATS, sum, to + 6 * GROUP);
    FloatVector d1 = FloatVector.fromArray(FLOATS, sum, to + 7 * GROUP);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sum, to + 8 * GROUP);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sum, to + 9 * GROUP);
    FloatVector c2 = FloatVector.fromArray(FLOATS, sum, to + 10 * GROUP);
    FloatVector d2 = FloatVector.fromArray(FLOATS, sum, to + 11 * GROUP);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sum, to + 12 * GROUP);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sum, to + 13 * GROUP);
    FloatVector c3 = FloatVector.fromArray(FLOATS, sum, to + 14 * GROUP);
    FloatVector d3 = FloatVector.fromArray(FLOATS, sum, to + 15 * GROUP);
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
      IntVector w2 = IntVector.fromArray(INTS, w, at + 2 * apart + p * GROUP);
      FloatVector first2 =
          (FloatVector) w2.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      FloatVector second2 =
          (FloatVector) w2.lanewise(VectorOperators.LSHL, left - 8).convert(VectorOperators.I2F, 0);
      IntVector w3 = IntVector.fromArray(INTS, w, at + 3 * apart + p * GROUP);
      FloatVector first3 =
          (FloatVector) w3.lanewise(VectorOperators.LSHL, left).convert(VectorOperators.I2F, 0);
      FloatVector second3 =
          (FloatVector) w3.lanewise(VectorOperators.LSHL, left - 8).convert(VectorOperators.I2F, 0);
      FloatVector f = FloatVector.broadcast(FLOATS, x[from + 16 * p]);
      a0 = first0.fma(f, a0);
      b0 = first1.fma(f, b0);
      c0 = first2.fma(f, c0);
      d0 = first3.fma(f, d0);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 4]);
      a0 = second0.fma(f, a0);
      b0 = second1.fma(f, b0);
      c0 = second2.fma(f, c0);
      d0 = second3.fma(f, d0);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 1]);
      a1 = first0.fma(f, a1);
      b1 = first1.fma(f, b1);
      c1 = first2.fma(f, c1);
      d1 = first3.fma(f, d1);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 5]);
      a1 = second0.fma(f, a1);
      b1 = second1.fma(f, b1);
      c1 = second2.fma(f, c1);
      d1 = second3.fma(f, d1);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 2]);
      a2 = first0.fma(f, a2);
      b2 = first1.fma(f, b2);
      c2 = first2.fma(f, c2);
      d2 = first3.fma(f, d2);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 6]);
      a2 = second0.fma(f, a2);
      b2 = second1.fma(f, b2);
      c2 = second2.fma(f, c2);
      d2 = second3.fma(f, d2);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 3]);
      a3 = first0.fma(f, a3);
      b3 = first1.fma(f, b3);
      c3 = first2.fma(f, c3);
      d3 = first3.fma(f, d3);
      f = FloatVector.broadcast(FLOATS, x[from + 16 * p + 7]);
      a3 = second0.fma(f, a3);
      b3 = second1.fma(f, b3);
      c3 = second2.fma(f, c3);
      d3 = second3.fma(f, d3);
    }
    a0.intoArray(sum, to);
    b0.intoArray(sum, to + GROUP);
    c0.intoArray(sum, to + 2 * GROUP);
    d0.intoArray(sum, to + 3 * GROUP);
    a1.intoArray(sum, to + 4 * GROUP);
    b1.intoArray(sum, to + 5 * GROUP);
    c1.intoArray(sum, to + 6 * GROUP);
    d1.intoArray(sum, to + 7 * GROUP);
    a2.intoArray(sum, to + 8 * GROUP);
    b2.intoArray(sum, to + 9 * GROUP);
    c2.intoArray(sum, to + 10 * GROUP);
    d2.intoArray(sum, to + 11 * GROUP);
    a3.intoArray(sum, to + 12 * GROUP);
    b3.intoArray(sum, to + 13 * GROUP);
    c3.intoArray(sum, to + 14 * GROUP);
    d3.intoArray(sum, to + 15 * GROUP);
  }
}
