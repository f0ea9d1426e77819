package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.Lane;
import org.retention4j.internal.lanes.LaneProduct;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.memory.Arena;

/**
 * A product of plain operands, both fp32 or both bf16, for any lane, whose room is its scratchpad:
 * thousands of products with scratchpads of their own take more memory than their operands, and
 * find none of it in the cache.
 */
public final class TileProduct implements LaneProduct {
  private final OneDnn.Bound bound;

  /** Null where it needs none. */
  private final memory scratchpad;

  private final long bytes;

  private TileProduct(OneDnn.Bound bound, long bytes) {
    this.bound = bound;
    this.bytes = bytes;
    scratchpad = bytes == 0 ? null : bound.arguments().get(dnnl.DNNL_ARG_SCRATCHPAD);
  }

  /** Prepares dst ← src·weights, or dst ← dst + src·weights, all of fp32. */
  public static TileProduct of(
      Arena arena,
      OneDnn.Matrix src,
      OneDnn.Matrix weights,
      OneDnn.Matrix dst,
      boolean accumulate) {
    return of(arena, OneDnn.F32, src, weights, dst, accumulate);
  }

  /**
   * Prepares dst ← src·weights, or dst ← dst + src·weights.
   *
   * @param type of the elements of src and of weights; sums and dst are fp32
   */
  static TileProduct of(
      Arena arena,
      memory.data_type type,
      OneDnn.Matrix src,
      OneDnn.Matrix weights,
      OneDnn.Matrix dst,
      boolean accumulate) {
    long[] bytes = new long[1];
    OneDnn.Bound bound =
        OneDnn.product(
            arena,
            size -> {
              bytes[0] = size;
              return new Pointer();
            },
            src,
            type,
            OneDnn.plain(arena, type, weights),
            dst,
            accumulate,
            OneDnn.PostOp.NONE);
    return new TileProduct(bound, bytes[0]);
  }

  @Override
  public void run(Lane lane) {
    if (scratchpad != null) {
      scratchpad.set_data_handle(((ScratchLane) lane).scratch().block(bytes));
    }
    bound.run();
  }

  @Override
  public String implementation() {
    return bound.implementation();
  }
}
