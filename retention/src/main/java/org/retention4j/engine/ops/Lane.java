package org.retention4j.engine.ops;

/**
 * One worker's view of the engine: scratch of its own and the arithmetic of sequence models on
 * tiles, rows, states and caches. All shapes are in elements; T counts tokens of one sequence.
 *
 * <p>A lane is used by one thread at a time, inside {@link Lanes#run}. Its operations allocate
 * nothing; making tiles and products does, and belongs in a preparation. Shapes were checked when
 * tiles and products were made; nothing is checked here again.
 *
 * @since 0.1
 */
public interface Lane {
  /** Returns this lane's number, from 0 to {@link Lanes#threads()} − 1. */
  int index();

  /** Returns the arithmetic on tiles. */
  TileOps tiles();

  /**
   * Returns the arithmetic on tiles that is fastest for a head's of these widths. Tiles of it and
   * of {@link #tiles} meet in {@link StateOps} and {@link TileOps#copy} only.
   */
  default TileOps tiles(int keyWidth, int valueWidth) {
    return tiles();
  }

  /** Returns the arithmetic on rows. */
  RowOps rows();

  /** Returns the arithmetic of the way back on rows. */
  GradientOps gradients();

  /** Returns what advances retention's states. */
  StateOps state();

  /** Returns what keeps and reads caches of keys and values. */
  CacheOps cache();
}
