package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/** Prepares products of tiles that run on any lane, one at a time. */
@FunctionalInterface
public interface ProductMaker {
  /** Returns what {@link TileOps#product} does. */
  LaneProduct make(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);

  /** Returns what prepares the products of some tiles' operations, which need no room. */
  static ProductMaker of(TileOps tiles) {
    return (a, transposeA, b, transposeB, c, accumulate) -> {
      Product product = tiles.product(a, transposeA, b, transposeB, c, accumulate);
      return new LaneProduct() {
        @Override
        public void run(Lane lane) {
          product.run();
        }

        @Override
        public String implementation() {
          return product.implementation();
        }
      };
    };
  }
}
