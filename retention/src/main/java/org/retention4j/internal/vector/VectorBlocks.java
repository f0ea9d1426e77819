package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Blocks of a product, z ← x·y or z ← z + x·y, whose sums stay in registers: n terms, element (i,k)
 * of x at {@code xAt + i·row + k·step}, vectors of y {@code width} apart, rows of z {@code apart}.
 * See {@link VectorKernels} for its rules.
 */
final class VectorBlocks {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private VectorBlocks() {}

  /** Eight rows by two vectors. */
  static void eightByTwo(
      float[] x,
      int xAt,
      int row,
      int step,
      float[] y,
      int yAt,
      int width,
      int n,
      float[] z,
      int to,
      int apart,
      boolean add) {
    FloatVector a0 = FloatVector.zero(SPECIES);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    FloatVector e0 = a0;
    FloatVector e1 = a0;
    FloatVector f0 = a0;
    FloatVector f1 = a0;
    FloatVector g0 = a0;
    FloatVector g1 = a0;
    FloatVector h0 = a0;
    FloatVector h1 = a0;
    int p = xAt;
    int q = yAt;
    for (int k = 0; k < n; k++) {
      FloatVector y0 = FloatVector.fromArray(SPECIES, y, q);
      FloatVector y1 = FloatVector.fromArray(SPECIES, y, q + LANES);
      FloatVector f = FloatVector.broadcast(SPECIES, x[p]);
      a0 = f.fma(y0, a0);
      a1 = f.fma(y1, a1);
      f = FloatVector.broadcast(SPECIES, x[p + row]);
      b0 = f.fma(y0, b0);
      b1 = f.fma(y1, b1);
      f = FloatVector.broadcast(SPECIES, x[p + 2 * row]);
      c0 = f.fma(y0, c0);
      c1 = f.fma(y1, c1);
      f = FloatVector.broadcast(SPECIES, x[p + 3 * row]);
      d0 = f.fma(y0, d0);
      d1 = f.fma(y1, d1);
      f = FloatVector.broadcast(SPECIES, x[p + 4 * row]);
      e0 = f.fma(y0, e0);
      e1 = f.fma(y1, e1);
      f = FloatVector.broadcast(SPECIES, x[p + 5 * row]);
      f0 = f.fma(y0, f0);
      f1 = f.fma(y1, f1);
      f = FloatVector.broadcast(SPECIES, x[p + 6 * row]);
      g0 = f.fma(y0, g0);
      g1 = f.fma(y1, g1);
      f = FloatVector.broadcast(SPECIES, x[p + 7 * row]);
      h0 = f.fma(y0, h0);
      h1 = f.fma(y1, h1);
      p += step;
      q += width;
    }
    if (add) {
      a0 = a0.add(FloatVector.fromArray(SPECIES, z, to));
      a1 = a1.add(FloatVector.fromArray(SPECIES, z, to + LANES));
      b0 = b0.add(FloatVector.fromArray(SPECIES, z, to + apart));
      b1 = b1.add(FloatVector.fromArray(SPECIES, z, to + apart + LANES));
      c0 = c0.add(FloatVector.fromArray(SPECIES, z, to + 2 * apart));
      c1 = c1.add(FloatVector.fromArray(SPECIES, z, to + 2 * apart + LANES));
      d0 = d0.add(FloatVector.fromArray(SPECIES, z, to + 3 * apart));
      d1 = d1.add(FloatVector.fromArray(SPECIES, z, to + 3 * apart + LANES));
      e0 = e0.add(FloatVector.fromArray(SPECIES, z, to + 4 * apart));
      e1 = e1.add(FloatVector.fromArray(SPECIES, z, to + 4 * apart + LANES));
      f0 = f0.add(FloatVector.fromArray(SPECIES, z, to + 5 * apart));
      f1 = f1.add(FloatVector.fromArray(SPECIES, z, to + 5 * apart + LANES));
      g0 = g0.add(FloatVector.fromArray(SPECIES, z, to + 6 * apart));
      g1 = g1.add(FloatVector.fromArray(SPECIES, z, to + 6 * apart + LANES));
      h0 = h0.add(FloatVector.fromArray(SPECIES, z, to + 7 * apart));
      h1 = h1.add(FloatVector.fromArray(SPECIES, z, to + 7 * apart + LANES));
    }
    a0.intoArray(z, to);
    a1.intoArray(z, to + LANES);
    b0.intoArray(z, to + apart);
    b1.intoArray(z, to + apart + LANES);
    c0.intoArray(z, to + 2 * apart);
    c1.intoArray(z, to + 2 * apart + LANES);
    d0.intoArray(z, to + 3 * apart);
    d1.intoArray(z, to + 3 * apart + LANES);
    e0.intoArray(z, to + 4 * apart);
    e1.intoArray(z, to + 4 * apart + LANES);
    f0.intoArray(z, to + 5 * apart);
    f1.intoArray(z, to + 5 * apart + LANES);
    g0.intoArray(z, to + 6 * apart);
    g1.intoArray(z, to + 6 * apart + LANES);
    h0.intoArray(z, to + 7 * apart);
    h1.intoArray(z, to + 7 * apart + LANES);
  }

  /** Four rows by two vectors. */
  static void fourByTwo(
      float[] x,
      int xAt,
      int row,
      int step,
      float[] y,
      int yAt,
      int width,
      int n,
      float[] z,
      int to,
      int apart,
      boolean add) {
    FloatVector a0 = FloatVector.zero(SPECIES);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    int p = xAt;
    int q = yAt;
    for (int k = 0; k < n; k++) {
      FloatVector y0 = FloatVector.fromArray(SPECIES, y, q);
      FloatVector y1 = FloatVector.fromArray(SPECIES, y, q + LANES);
      FloatVector f = FloatVector.broadcast(SPECIES, x[p]);
      a0 = f.fma(y0, a0);
      a1 = f.fma(y1, a1);
      f = FloatVector.broadcast(SPECIES, x[p + row]);
      b0 = f.fma(y0, b0);
      b1 = f.fma(y1, b1);
      f = FloatVector.broadcast(SPECIES, x[p + 2 * row]);
      c0 = f.fma(y0, c0);
      c1 = f.fma(y1, c1);
      f = FloatVector.broadcast(SPECIES, x[p + 3 * row]);
      d0 = f.fma(y0, d0);
      d1 = f.fma(y1, d1);
      p += step;
      q += width;
    }
    if (add) {
      a0 = a0.add(FloatVector.fromArray(SPECIES, z, to));
      a1 = a1.add(FloatVector.fromArray(SPECIES, z, to + LANES));
      b0 = b0.add(FloatVector.fromArray(SPECIES, z, to + apart));
      b1 = b1.add(FloatVector.fromArray(SPECIES, z, to + apart + LANES));
      c0 = c0.add(FloatVector.fromArray(SPECIES, z, to + 2 * apart));
      c1 = c1.add(FloatVector.fromArray(SPECIES, z, to + 2 * apart + LANES));
      d0 = d0.add(FloatVector.fromArray(SPECIES, z, to + 3 * apart));
      d1 = d1.add(FloatVector.fromArray(SPECIES, z, to + 3 * apart + LANES));
    }
    a0.intoArray(z, to);
    a1.intoArray(z, to + LANES);
    b0.intoArray(z, to + apart);
    b1.intoArray(z, to + apart + LANES);
    c0.intoArray(z, to + 2 * apart);
    c1.intoArray(z, to + 2 * apart + LANES);
    d0.intoArray(z, to + 3 * apart);
    d1.intoArray(z, to + 3 * apart + LANES);
  }

  /** Eight rows by one vector. */
  static void eightByOne(
      float[] x,
      int xAt,
      int row,
      int step,
      float[] y,
      int yAt,
      int width,
      int n,
      float[] z,
      int to,
      int apart,
      boolean add) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector f = a;
    FloatVector g = a;
    FloatVector h = a;
    int p = xAt;
    int q = yAt;
    for (int k = 0; k < n; k++) {
      FloatVector y0 = FloatVector.fromArray(SPECIES, y, q);
      a = FloatVector.broadcast(SPECIES, x[p]).fma(y0, a);
      b = FloatVector.broadcast(SPECIES, x[p + row]).fma(y0, b);
      c = FloatVector.broadcast(SPECIES, x[p + 2 * row]).fma(y0, c);
      d = FloatVector.broadcast(SPECIES, x[p + 3 * row]).fma(y0, d);
      e = FloatVector.broadcast(SPECIES, x[p + 4 * row]).fma(y0, e);
      f = FloatVector.broadcast(SPECIES, x[p + 5 * row]).fma(y0, f);
      g = FloatVector.broadcast(SPECIES, x[p + 6 * row]).fma(y0, g);
      h = FloatVector.broadcast(SPECIES, x[p + 7 * row]).fma(y0, h);
      p += step;
      q += width;
    }
    if (add) {
      a = a.add(FloatVector.fromArray(SPECIES, z, to));
      b = b.add(FloatVector.fromArray(SPECIES, z, to + apart));
      c = c.add(FloatVector.fromArray(SPECIES, z, to + 2 * apart));
      d = d.add(FloatVector.fromArray(SPECIES, z, to + 3 * apart));
      e = e.add(FloatVector.fromArray(SPECIES, z, to + 4 * apart));
      f = f.add(FloatVector.fromArray(SPECIES, z, to + 5 * apart));
      g = g.add(FloatVector.fromArray(SPECIES, z, to + 6 * apart));
      h = h.add(FloatVector.fromArray(SPECIES, z, to + 7 * apart));
    }
    a.intoArray(z, to);
    b.intoArray(z, to + apart);
    c.intoArray(z, to + 2 * apart);
    d.intoArray(z, to + 3 * apart);
    e.intoArray(z, to + 4 * apart);
    f.intoArray(z, to + 5 * apart);
    g.intoArray(z, to + 6 * apart);
    h.intoArray(z, to + 7 * apart);
  }

  /** One row by one vector. */
  static void oneByOne(
      float[] x,
      int xAt,
      int step,
      float[] y,
      int yAt,
      int width,
      int n,
      float[] z,
      int to,
      boolean add) {
    FloatVector a = FloatVector.zero(SPECIES);
    int p = xAt;
    int q = yAt;
    for (int k = 0; k < n; k++) {
      FloatVector y0 = FloatVector.fromArray(SPECIES, y, q);
      a = FloatVector.broadcast(SPECIES, x[p]).fma(y0, a);
      p += step;
      q += width;
    }
    if (add) {
      a = a.add(FloatVector.fromArray(SPECIES, z, to));
    }
    a.intoArray(z, to);
  }
}
