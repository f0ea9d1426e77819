package org.retention4j.internal.float64;

import org.retention4j.engine.ops.CacheOps;
import org.retention4j.engine.ops.GradientOps;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowOps;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.TileOps;
import org.retention4j.internal.memory.Arena;

/** A lane in double precision, in plain loops: for proofs, not for speed. */
public final class Fp64Lane implements Lane {
  private final int index;
  private final Fp64Tiles tiles;
  private final Fp64Rows rows = new Fp64Rows();
  private final Fp64Gradients gradients = new Fp64Gradients();
  private final Fp64State state = new Fp64State();
  private final Fp64Cache cache = new Fp64Cache();

  /** Makes a lane. */
  public Fp64Lane(int index, Arena arena) {
    this.index = index;
    tiles = new Fp64Tiles(arena);
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
}
