package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.internal.float32.Kernels;

/** Rounds to bf16. See {@link VectorKernels} for its rules. */
final class VectorNarrow {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));

  private final float[] lanes = new float[LANES];

  /**
   * See {@link Kernels#narrow}. Rounding carries into the sign of some NaN: those go one by one.
   */
  void run(float[] from, int at, short[] to, int n) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector sum = zero;
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, from, at + i);
      sum = x.fma(zero, sum);
      IntVector bits = x.reinterpretAsInts();
      IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
      ((ShortVector)
              bits.add(odd)
                  .add(0x7fff)
                  .lanewise(VectorOperators.LSHR, 16)
                  .convertShape(VectorOperators.I2S, HALVES, 0))
          .intoArray(to, i);
    }
    sum.intoArray(lanes, 0);
    float rest = 0;
    for (float lane : lanes) {
      rest += lane;
    }
    for (int j = rest == 0 ? i : 0; j < n; j++) {
      to[j] = Bfloat16.fromFloat(from[at + j]);
    }
  }
}
