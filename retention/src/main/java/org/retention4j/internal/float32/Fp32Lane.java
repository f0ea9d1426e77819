package org.retention4j.internal.float32;

import org.retention4j.engine.ops.CacheOps;
import org.retention4j.engine.ops.GradientOps;
import org.retention4j.engine.ops.RowOps;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.lanes.LaneScratch;
import org.retention4j.internal.lanes.ProductMaker;
import org.retention4j.internal.lanes.ScratchLane;
import org.retention4j.internal.linear.onednn.OneDnn;
import org.retention4j.internal.linear.onednn.TileProduct;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/**
 * A lane over native tiles, with oneDNN products and element-wise work on heap rows; tiles of small
 * heads lie on the heap.
 */
public final class Fp32Lane implements ScratchLane {
  /**
   * The largest K·V of a head whose tiles lie on the heap where the Vector API is: the core's way
   * forth then takes 0.68 to 0.81 of the time with K 16 and V 32, 0.78 to 0.98 with 32 and 64, and
   * from K 64 on as often more as less (chunks of 64, AVX-512).
   */
  private static final long LARGEST_ON_HEAP = 1 << 11;

  private final int index;
  private final Fp32Tiles tiles;
  private final Fp32Tiles heapTiles;
  private final Fp32Rows rows;
  private final Fp32Gradients gradients;
  private final Fp32State state;
  private final Fp32Cache cache;
  private final LaneScratch scratch;

  /**
   * Makes a lane.
   *
   * @param kernels of its own
   */
  public Fp32Lane(int index, Arena arena, Kernels kernels) {
    this.index = index;
    tiles = new Fp32Tiles(arena, kernels);
    heapTiles = kernels.ofTiles() == null ? tiles : new HeapTiles(arena, kernels);
    rows = new Fp32Rows(kernels);
    gradients = new Fp32Gradients(kernels);
    state = new Fp32State(kernels);
    cache = new Fp32Cache(kernels);
    scratch = new LaneScratch(arena);
  }

  /** Returns what prepares products of tiles whose native objects an arena owns. */
  public static ProductMaker products(Arena owner) {
    return (a, transposeA, b, transposeB, c, accumulate) ->
        TileProduct.of(
            owner,
            OneDnn.Matrix.of((Fp32Tile) a, transposeA),
            OneDnn.Matrix.of((Fp32Tile) b, transposeB),
            OneDnn.Matrix.of((Fp32Tile) c, false),
            accumulate);
  }

  @Override
  public int index() {
    return index;
  }

  @Override
  public TileOps tiles() {
    return tiles;
  }

  @Override
  public TileOps tiles(int keyWidth, int valueWidth) {
    return (long) keyWidth * valueWidth <= LARGEST_ON_HEAP ? heapTiles : tiles;
  }

  @Override
  public RowOps rows() {
    return rows;
  }

  @Override
  public GradientOps gradients() {
    return gradients;
  }

  @Override
  public StateOps state() {
    return state;
  }

  @Override
  public CacheOps cache() {
    return cache;
  }

  @Override
  public LaneScratch scratch() {
    return scratch;
  }
}
