package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.retention4j.internal.float32.PlainProduct;
import org.retention4j.internal.float32.TileKernels;
import org.retention4j.internal.memory.HeapTile;

/** The Vector API on tiles on the heap. See {@link VectorKernels} for its rules. */
final class VectorTiles implements TileKernels {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /**
   * So many products of a lane are plain loops, to the same bits: vectors that are not compiled yet
   * are objects, and short programs are over before they were.
   */
  private static final int EARLY = 2048;

  private final VectorProduct product = new VectorProduct();
  private final PlainProduct plain = new PlainProduct();
  private final float[] lanes = new float[LANES];
  private int early;

  @Override
  public String name() {
    return "vector-" + SPECIES.vectorBitSize();
  }

  @Override
  public void product(
      HeapTile a, boolean transposeA, HeapTile b, boolean transposeB, HeapTile c, boolean add) {
    if (early < EARLY) {
      early++;
      plain.run(a, transposeA, b, transposeB, c, add);
    } else {
      product.run(a, transposeA, b, transposeB, c, add);
    }
  }

  @Override
  public void scaleRows(HeapTile src, int n, float[] factors, HeapTile dst) {
    float[] from = src.data();
    float[] to = dst.data();
    int width = src.columns();
    for (int i = 0; i < n; i++) {
      FloatVector f = FloatVector.broadcast(SPECIES, factors[i]);
      int p = src.start() + i * src.stride();
      int q = dst.start() + i * dst.stride();
      int j = 0;
      for (; j + LANES <= width; j += LANES) {
        FloatVector.fromArray(SPECIES, from, p + j).mul(f).intoArray(to, q + j);
      }
      for (; j < width; j++) {
        to[q + j] = from[p + j] * factors[i];
      }
    }
  }

  @Override
  public void multiply(HeapTile a, int row, float[] factors, int from, int n) {
    float[] x = a.data();
    int at = a.start() + row * a.stride();
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
      FloatVector.fromArray(SPECIES, x, at + j)
          .mul(FloatVector.fromArray(SPECIES, factors, from + j))
          .intoArray(x, at + j);
    }
    for (; j < n; j++) {
      x[at + j] *= factors[from + j];
    }
  }

  @Override
  public void addScaled(HeapTile a, int n, float factor, float[] sum) {
    float[] x = a.data();
    int width = a.columns();
    for (int i = 0; i < n; i++) {
      FloatVector f = FloatVector.broadcast(SPECIES, factor);
      int p = a.start() + i * a.stride();
      int q = i * width;
      int j = 0;
      for (; j + LANES <= width; j += LANES) {
        f.fma(FloatVector.fromArray(SPECIES, x, p + j), FloatVector.fromArray(SPECIES, sum, q + j))
            .intoArray(sum, q + j);
      }
      for (; j < width; j++) {
        sum[q + j] = Math.fma(factor, x[p + j], sum[q + j]);
      }
    }
  }

  @Override
  public boolean allFinite(HeapTile a, int n) {
    if (a.dense()) {
      return allFinite(a.data(), a.start(), n * a.columns());
    }
    boolean finite = true;
    for (int i = 0; i < n; i++) {
      finite &= allFinite(a.data(), a.start() + i * a.stride(), a.columns());
    }
    return finite;
  }

  /** One loop: a vector that two nested ones carry is allocated. */
  private boolean allFinite(float[] x, int at, int n) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector sum = zero;
    FloatVector other = zero;
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      sum = FloatVector.fromArray(SPECIES, x, at + i).fma(zero, sum);
      other = FloatVector.fromArray(SPECIES, x, at + i + LANES).fma(zero, other);
    }
    sum.add(other).intoArray(lanes, 0);
    float rest = 0;
    for (float lane : lanes) {
      rest += lane;
    }
    for (; i < n; i++) {
      rest += x[at + i] * 0f;
    }
    return rest == 0f;
  }
}
