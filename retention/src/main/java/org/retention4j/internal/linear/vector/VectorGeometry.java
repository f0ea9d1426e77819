package org.retention4j.internal.linear.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * How weights and sums lie for kernels of this processor's vectors: groups of as many outputs as a
 * vector has, some groups read side by side.
 */
final class VectorGeometry {
  static final boolean WIDE = FloatVector.SPECIES_PREFERRED.vectorBitSize() >= 512;
  static final VectorSpecies<Float> FLOATS =
      WIDE ? FloatVector.SPECIES_512 : FloatVector.SPECIES_256;
  static final VectorSpecies<Integer> INTS = WIDE ? IntVector.SPECIES_512 : IntVector.SPECIES_256;

  /** Outputs side by side, a vector of them. */
  static final int GROUP = FLOATS.length();

  /** Groups that are read at once, by several rows. */
  static final int STREAMS = 4;

  /** Groups that are read at once by one row, which has registers for more. */
  static final int SINGLE_STREAMS = 8;

  /** Rows that are multiplied at once. */
  static final int FOUR = 4;

  /** Sums of four rows with {@link #STREAMS} groups. */
  static final int SUMS = FOUR * STREAMS * GROUP;

  private VectorGeometry() {}

  /** Returns whether the processor has vectors as wide as these. */
  static boolean wideEnough() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize() >= 256;
  }

  /**
   * Copies what {@link MatMulKernel#addFours} has summed up for a row, in the order of the outputs.
   *
   * @param at where the row's sums of the first groups begin
   * @param blockApart from there to where those of the next groups do
   * @param groups all groups, a multiple of {@link #STREAMS}
   */
  static void copySums(float[] sum, int at, int blockApart, int groups, float[] to) {
    int quarter = groups / STREAMS;
    for (int g = 0; g < quarter; g++) {
      int from = at + g * blockApart;
      for (int i = 0; i < STREAMS; i++) {
        FloatVector.fromArray(FLOATS, sum, from + i * GROUP)
            .intoArray(to, (i * quarter + g) * GROUP);
      }
    }
  }

  /**
   * Lays integers of four groups side by side, as oneDNN reads 64 outputs.
   *
   * @param signs added to each, and then taken off bit by bit; 0 leaves them as they are
   */
  static void interleave(int[] w, int at, int apart, int count, int signs, int[] to) {
    IntVector s = IntVector.broadcast(INTS, signs);
    for (int p = 0; p < count; p++) {
      IntVector.fromArray(INTS, w, at + p * GROUP)
          .add(s)
          .lanewise(VectorOperators.XOR, s)
          .intoArray(to, STREAMS * GROUP * p);
      IntVector.fromArray(INTS, w, at + apart + p * GROUP)
          .add(s)
          .lanewise(VectorOperators.XOR, s)
          .intoArray(to, STREAMS * GROUP * p + GROUP);
      IntVector.fromArray(INTS, w, at + 2 * apart + p * GROUP)
          .add(s)
          .lanewise(VectorOperators.XOR, s)
          .intoArray(to, STREAMS * GROUP * p + 2 * GROUP);
      IntVector.fromArray(INTS, w, at + 3 * apart + p * GROUP)
          .add(s)
          .lanewise(VectorOperators.XOR, s)
          .intoArray(to, STREAMS * GROUP * p + 3 * GROUP);
    }
  }
}
