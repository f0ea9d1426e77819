package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.Tile;

/**
 * A product of tiles in blocks of rows of its result, which the lanes share out. The blocks follow
 * from the shapes alone, so that the bits do not depend on the number of lanes.
 */
public final class GridProduct implements Product {
  /** Blocks there should be at least, for many lanes to share. */
  private static final int BLOCKS = 16;

  private static final int SMALLEST = 64;
  private static final int LARGEST = 256;

  private final Lanes lanes;
  private final Product[] blocks;
  private final Lanes.Task part = (lane, index) -> block(index).run();

  /** Prepares c ← a·b, or c ← c + a·b, on one lane. */
  @FunctionalInterface
  public interface Maker {
    /** Returns what {@link org.retention4j.engine.ops.TileOps#product} does. */
    Product make(
        Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate);
  }

  /** Prepares the blocks. */
  public GridProduct(
      Lanes lanes,
      Maker maker,
      Tile a,
      boolean transposeA,
      Tile b,
      boolean transposeB,
      Tile c,
      boolean accumulate) {
    this.lanes = lanes;
    int rows = c.rows();
    int size = Math.min(Math.max((rows / BLOCKS + 15) / 16 * 16, SMALLEST), LARGEST);
    blocks = new Product[(rows + size - 1) / size];
    for (int i = 0; i < blocks.length; i++) {
      int from = i * size;
      int count = Math.min(size, rows - from);
      Tile left =
          transposeA ? a.part(0, a.rows(), from, count) : a.part(from, count, 0, a.columns());
      Tile to = c.part(from, count, 0, c.columns());
      blocks[i] =
          lanes.withOneThread(() -> maker.make(left, transposeA, b, transposeB, to, accumulate));
    }
  }

  private Product block(int index) {
    return blocks[index];
  }

  @Override
  public void run() {
    lanes.run(blocks.length, part);
  }

  @Override
  public String implementation() {
    return blocks[0].implementation();
  }
}
