package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Tile;

/**
 * y ← activation(x·Wᵀ) for the rows of a tile, in parts that lanes can take; bound once, run often.
 */
public interface MatMul {
  /** Returns the number of parts. */
  int parts();

  /** Computes one part: a block of output features for all rows. */
  void run(Lane lane, int part);

  /** Returns where a part's results go. */
  Tile result(int part);

  /** Returns the implementation of the products, as oneDNN names it. */
  String implementation();
}
