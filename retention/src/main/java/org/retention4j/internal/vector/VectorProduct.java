package org.retention4j.internal.vector;

import jdk.incubator.vector.FloatVector;
import org.retention4j.internal.float32.TileKernels;
import org.retention4j.internal.memory.GrowableFloats;
import org.retention4j.internal.memory.HeapTile;

/**
 * Products of small tiles on the heap: block by block of eight or four rows by two vectors. Columns
 * of b that do not fill vectors, and a transposed b, are copied first.
 */
final class VectorProduct {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** Whether there are registers for sixteen sums: 32 of them, with vectors of 512 bits. */
  private static final boolean EIGHT_ROWS = LANES >= 16;

  private final GrowableFloats panel = new GrowableFloats();
  private final GrowableFloats edge = new GrowableFloats();

  /** See {@link TileKernels#product}. */
  void run(
      HeapTile a, boolean transposeA, HeapTile b, boolean transposeB, HeapTile c, boolean add) {
    int inner = transposeA ? a.rows() : a.columns();
    for (int j = 0; j < c.columns(); j += 2 * LANES) {
      int columns = Math.min(2 * LANES, c.columns() - j);
      int width = columns <= LANES ? LANES : 2 * LANES;
      float[] y = b.data();
      int at = b.start() + j * (transposeB ? b.stride() : 1);
      int apart = b.stride();
      if (transposeB || columns < width) {
        float[] copy = panel.atLeast(inner * width);
        copyColumns(
            y, at, transposeB ? 1 : apart, transposeB ? apart : 1, inner, columns, width, copy);
        y = copy;
        at = 0;
        apart = width;
      }
      if (columns == width) {
        panel(
            a,
            transposeA,
            y,
            at,
            apart,
            inner,
            width,
            c.rows(),
            c.data(),
            c.start() + j,
            c.stride(),
            add);
      } else {
        float[] sums = edge.atLeast(c.rows() * width);
        panel(a, transposeA, y, at, apart, inner, width, c.rows(), sums, 0, width, false);
        take(sums, width, columns, c, j, add);
      }
    }
  }

  /** to[k,j] ← from[k,j], and 0 in the columns that are none. */
  private static void copyColumns(
      float[] from, int at, int row, int column, int rows, int columns, int width, float[] to) {
    int j = 0;
    for (; j + 4 <= columns; j += 4) {
      int p = at + j * column;
      int q = j;
      for (int k = 0; k < rows; k++) {
        to[q] = from[p];
        to[q + 1] = from[p + column];
        to[q + 2] = from[p + 2 * column];
        to[q + 3] = from[p + 3 * column];
        p += row;
        q += width;
      }
    }
    for (; j < width; j++) {
      for (int k = 0; k < rows; k++) {
        to[k * width + j] = j < columns ? from[at + k * row + j * column] : 0f;
      }
    }
  }

  private static void take(
      float[] sums, int width, int columns, HeapTile c, int column, boolean add) {
    float[] z = c.data();
    for (int i = 0; i < c.rows(); i++) {
      int at = c.start() + i * c.stride() + column;
      for (int j = 0; j < columns; j++) {
        float sum = sums[i * width + j];
        z[at + j] = add ? sum + z[at + j] : sum;
      }
    }
  }

  /** All rows of one or two vectors' columns. */
  private static void panel(
      HeapTile a,
      boolean transposeA,
      float[] y,
      int yAt,
      int apart,
      int inner,
      int width,
      int rows,
      float[] z,
      int to,
      int stride,
      boolean add) {
    float[] x = a.data();
    int row = transposeA ? 1 : a.stride();
    int step = transposeA ? a.stride() : 1;
    int i = 0;
    if (width == LANES) {
      for (; i + 8 <= rows; i += 8) {
        VectorBlocks.eightByOne(
            x,
            a.start() + i * row,
            row,
            step,
            y,
            yAt,
            apart,
            inner,
            z,
            to + i * stride,
            stride,
            add);
      }
    } else {
      for (; EIGHT_ROWS && i + 8 <= rows; i += 8) {
        VectorBlocks.eightByTwo(
            x,
            a.start() + i * row,
            row,
            step,
            y,
            yAt,
            apart,
            inner,
            z,
            to + i * stride,
            stride,
            add);
      }
      for (; i + 4 <= rows; i += 4) {
        VectorBlocks.fourByTwo(
            x,
            a.start() + i * row,
            row,
            step,
            y,
            yAt,
            apart,
            inner,
            z,
            to + i * stride,
            stride,
            add);
      }
    }
    for (; i < rows; i++) {
      for (int j = 0; j < width; j += LANES) {
        VectorBlocks.oneByOne(
            x, a.start() + i * row, step, y, yAt + j, apart, inner, z, to + i * stride + j, add);
      }
    }
  }
}
