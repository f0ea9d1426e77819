package org.retention4j.internal.linear.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of fp32 rows with bf16 weights on the heap, see {@link Bf16VectorWeights}: the halves of
 * an integer are two weights of one output, widened in registers. Every output is summed in the
 * order of the inputs.
 *
 * <p>Several groups of outputs are read at once, far apart: the processor fetches each stream ahead
 * at a limited speed, and one would stall at every page. Written out vector by vector, since C2
 * keeps in registers only what is a variable of its own; all places are functions of the loop's
 * counter, for only then does it check them once. Vectors are shifted to the left only, here and
 * elsewhere: where C2 meets another shift it notes, for each place that a shift is inlined at, that
 * types were not what it took them for, and with a hundred notes it makes objects of sums.
 */
sealed class Bf16Kernel implements MatMulKernel permits Bf16Kernel256 {
  static final VectorSpecies<Float> FLOATS = VectorGeometry.FLOATS;
  static final VectorSpecies<Integer> INTS = VectorGeometry.INTS;
  static final int GROUP = VectorGeometry.GROUP;
  static final int SUMS = VectorGeometry.SUMS;

  /** Keeps the second weight of a pair. */
  static final int UPPER = 0xffff0000;

  /** Returns those for the processor's vectors. */
  static Bf16Kernel create() {
    return VectorGeometry.WIDE ? new Bf16Kernel() : new Bf16Kernel256();
  }

  @Override
  public int inputs() {
    return 2;
  }

  @Override
  public void multiplyEight(
      int[] w, int at, int apart, int pairs, float[] x, float[] sum, int to, int toApart) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = FloatVector.zero(FLOATS);
    FloatVector c = FloatVector.zero(FLOATS);
    FloatVector d = FloatVector.zero(FLOATS);
    FloatVector e = FloatVector.zero(FLOATS);
    FloatVector f = FloatVector.zero(FLOATS);
    FloatVector g = FloatVector.zero(FLOATS);
    FloatVector h = FloatVector.zero(FLOATS);
    for (int p = 0; p < pairs; p++) {
      FloatVector even = FloatVector.broadcast(FLOATS, x[2 * p]);
      FloatVector odd = FloatVector.broadcast(FLOATS, x[2 * p + 1]);
      IntVector both = IntVector.fromArray(INTS, w, at + p * GROUP);
      a = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, a);
      a = both.and(UPPER).reinterpretAsFloats().fma(odd, a);
      both = IntVector.fromArray(INTS, w, at + apart + p * GROUP);
      b = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, b);
      b = both.and(UPPER).reinterpretAsFloats().fma(odd, b);
      both = IntVector.fromArray(INTS, w, at + 2 * apart + p * GROUP);
      c = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, c);
      c = both.and(UPPER).reinterpretAsFloats().fma(odd, c);
      both = IntVector.fromArray(INTS, w, at + 3 * apart + p * GROUP);
      d = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, d);
      d = both.and(UPPER).reinterpretAsFloats().fma(odd, d);
      both = IntVector.fromArray(INTS, w, at + 4 * apart + p * GROUP);
      e = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, e);
      e = both.and(UPPER).reinterpretAsFloats().fma(odd, e);
      both = IntVector.fromArray(INTS, w, at + 5 * apart + p * GROUP);
      f = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, f);
      f = both.and(UPPER).reinterpretAsFloats().fma(odd, f);
      both = IntVector.fromArray(INTS, w, at + 6 * apart + p * GROUP);
      g = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, g);
      g = both.and(UPPER).reinterpretAsFloats().fma(odd, g);
      both = IntVector.fromArray(INTS, w, at + 7 * apart + p * GROUP);
      h = both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(even, h);
      h = both.and(UPPER).reinterpretAsFloats().fma(odd, h);
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

  @Override
  public void addFours(
      int[] w, int at, int apart, int pairs, float[][] x, int from, float[] sum, int to) {
    for (int i = 0; i < x.length; i++) {
      addFour(w, at, apart, pairs, x[i], from, sum, to + i * SUMS);
    }
  }

  private static void addFour(
      int[] w, int at, int apart, int pairs, float[] x, int from, float[] sum, int to) {
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
    for (int p = 0; p < pairs; p++) {
      IntVector both0 = IntVector.fromArray(INTS, w, at + p * GROUP);
      FloatVector even0 = both0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd0 = both0.and(UPPER).reinterpretAsFloats();
      IntVector both1 = IntVector.fromArray(INTS, w, at + apart + p * GROUP);
      FloatVector even1 = both1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd1 = both1.and(UPPER).reinterpretAsFloats();
      IntVector both2 = IntVector.fromArray(INTS, w, at + 2 * apart + p * GROUP);
      FloatVector even2 = both2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd2 = both2.and(UPPER).reinterpretAsFloats();
      IntVector both3 = IntVector.fromArray(INTS, w, at + 3 * apart + p * GROUP);
      FloatVector even3 = both3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector odd3 = both3.and(UPPER).reinterpretAsFloats();
      FloatVector f = FloatVector.broadcast(FLOATS, x[from + 8 * p]);
      a0 = even0.fma(f, a0);
      b0 = even1.fma(f, b0);
      c0 = even2.fma(f, c0);
      d0 = even3.fma(f, d0);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 4]);
      a0 = odd0.fma(f, a0);
      b0 = odd1.fma(f, b0);
      c0 = odd2.fma(f, c0);
      d0 = odd3.fma(f, d0);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 1]);
      a1 = even0.fma(f, a1);
      b1 = even1.fma(f, b1);
      c1 = even2.fma(f, c1);
      d1 = even3.fma(f, d1);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 5]);
      a1 = odd0.fma(f, a1);
      b1 = odd1.fma(f, b1);
      c1 = odd2.fma(f, c1);
      d1 = odd3.fma(f, d1);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 2]);
      a2 = even0.fma(f, a2);
      b2 = even1.fma(f, b2);
      c2 = even2.fma(f, c2);
      d2 = even3.fma(f, d2);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 6]);
      a2 = odd0.fma(f, a2);
      b2 = odd1.fma(f, b2);
      c2 = odd2.fma(f, c2);
      d2 = odd3.fma(f, d2);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 3]);
      a3 = even0.fma(f, a3);
      b3 = even1.fma(f, b3);
      c3 = even2.fma(f, c3);
      d3 = even3.fma(f, d3);
      f = FloatVector.broadcast(FLOATS, x[from + 8 * p + 7]);
      a3 = odd0.fma(f, a3);
      b3 = odd1.fma(f, b3);
      c3 = odd2.fma(f, c3);
      d3 = odd3.fma(f, d3);
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

  /** Widens a group's weights: an input's go {@code width} behind those of the input before. */
  static void widen(int[] w, int at, int pairs, float[] to, int place, int width) {
    for (int p = 0; p < pairs; p++) {
      IntVector both = IntVector.fromArray(INTS, w, at + p * GROUP);
      both.lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(to, place + 2 * p * width);
      both.and(UPPER).reinterpretAsFloats().intoArray(to, place + (2 * p + 1) * width);
    }
  }
}
