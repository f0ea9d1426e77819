package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.internal.memory.GrowableFloats;
import org.retention4j.internal.memory.HeapTile;

/** Products of tiles on the heap in plain loops, to the bits of {@link TileKernels#product}. */
public final class PlainProduct {
  private final GrowableFloats rows = new GrowableFloats();
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats sums = new GrowableFloats();

  /** See {@link TileKernels#product}. */
  public void run(
      HeapTile a, boolean transposeA, HeapTile b, boolean transposeB, HeapTile c, boolean add) {
    int inner = transposeA ? a.rows() : a.columns();
    int columns = c.columns();
    float[] right = rows.atLeast(inner * columns);
    for (int k = 0; k < inner; k++) {
      for (int j = 0; j < columns; j++) {
        right[k * columns + j] = element(b, transposeB, k, j);
      }
    }
    float[] x = row.atLeast(columns);
    float[] sum = sums.atLeast(columns);
    for (int i = 0; i < c.rows(); i++) {
      Arrays.fill(sum, 0, columns, 0f);
      for (int k = 0; k < inner; k++) {
        System.arraycopy(right, k * columns, x, 0, columns);
        addRow(x, element(a, transposeA, i, k), sum, columns);
      }
      int at = c.start() + i * c.stride();
      for (int j = 0; j < columns; j++) {
        c.data()[at + j] = add ? sum[j] + c.data()[at + j] : sum[j];
      }
    }
  }

  private static float element(HeapTile tile, boolean transpose, int i, int j) {
    return transpose
        ? tile.data()[tile.start() + j * tile.stride() + i]
        : tile.data()[tile.start() + i * tile.stride() + j];
  }

  private static void addRow(float[] row, float factor, float[] sum, int n) {
    for (int j = 0; j < n; j++) {
      sum[j] = Math.fma(factor, row[j], sum[j]);
    }
  }
}
