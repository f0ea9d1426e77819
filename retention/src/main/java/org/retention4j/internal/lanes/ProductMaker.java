package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/** Prepares products of tiles that run on any lane, one at a time. */
@FunctionalInterface
public interface ProductMaker {
  /** Returns what {@link TileOps#product} does, of the elements of operands or parts of them. */
  LaneProduct make(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);

  /** Returns a tile as these products read it. */
  default Operand operand(Tile tile) {
    return new Itself(tile);
  }

  /** A tile as products read it: itself, or a copy, to be made anew when the tile has changed. */
  interface Operand {
    /** Returns what products are made of. */
    Tile elements();

    /** Returns the parts of the copy, which any lanes make; 0 if there is none. */
    int parts();

    /** Makes one part anew. */
    void update(Lane lane, int part);
  }

  /** A tile that is read as it is. */
  record Itself(Tile elements) implements Operand {
    @Override
    public int parts() {
      return 0;
    }

    @Override
    public void update(Lane lane, int part) {}
  }

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
