package org.retention4j.internal.float32;

import org.retention4j.internal.memory.HeapTile;

/**
 * Arithmetic on tiles on the heap, in place. Callers have checked shapes. An instance may hold
 * scratch and belongs to one lane.
 */
public interface TileKernels {
  /** Returns the implementation of products as reports show it. */
  String name();

  /**
   * c ← a·b, or c ← c + a·b, where a and b may be given transposed. Each sum is rounded term by
   * term in their order, whatever else runs or is compiled.
   */
  void product(
      HeapTile a, boolean transposeA, HeapTile b, boolean transposeB, HeapTile c, boolean add);

  /** dst[i,:] ← factors[i]·src[i,:] for i &lt; n. */
  void scaleRows(HeapTile src, int n, float[] factors, HeapTile dst);

  /** a[row,j] ← factors[from+j]·a[row,j] for j &lt; n. */
  void multiply(HeapTile a, int row, float[] factors, int from, int n);

  /** sum[i,:] ← sum[i,:] + factor·a[i,:] for i &lt; n, rounded once; sum without gaps. */
  void addScaled(HeapTile a, int n, float factor, float[] sum);

  /** Returns whether the first n rows are finite. */
  boolean allFinite(HeapTile a, int n);
}
