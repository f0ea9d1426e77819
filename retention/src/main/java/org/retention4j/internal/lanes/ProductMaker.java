package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/** Prepares products of tiles that run on any lane, one at a time. */
@FunctionalInterface
public interface ProductMaker {
  /** Returns what {@link TileOps#product} does. */
  Product make(Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);
}
