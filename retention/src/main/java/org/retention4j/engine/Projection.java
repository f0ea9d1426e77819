package org.retention4j.engine;

/**
 * y ← activation(x·Wᵀ) for the rows of a tile, in parts that lanes can take; bound once, run often.
 */
interface Projection {
  /** Returns the number of parts. */
  int parts();

  /** Computes one part: a block of output features for all rows. */
  void run(Lane lane, int part);

  /** Returns where a part's results go. */
  Tile result(int part);

  /** Returns the implementation of the products, as oneDNN names it. */
  String implementation();
}
