package org.retention4j.train.optimizer;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.Engine;
import org.retention4j.engine.TileProducts;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/**
 * Makes the singular values of some matrices about 1, by five Newton-Schulz steps of the shorter
 * side: A = XXᵀ, X ← (3.4445·I − 4.7750·A + 2.0315·A²) X (Jordan et al., "Muon: An optimizer for
 * hidden layers in neural networks", 2024). All matrices go through each step together, so that
 * many lanes have work.
 */
final class Orthogonalizer {
  static final int STEPS = 5;

  /** Rows of a matrix of the shorter side that a lane takes at once. */
  private static final int BLOCK = 64;

  private final Engine engine;
  private final List<RowView> in = new ArrayList<>();
  private final List<RowView> out = new ArrayList<>();
  private final TileProducts[] grams;
  private final TileProducts squares;
  private final TileProducts[] results;
  private final Block[] blocks;
  private final MuonRows[] rows;
  private final Lanes.Task mix = this::mix;

  /** Some rows of A and of A². */
  private record Block(RowView a, RowView square, int from, int to) {}

  /**
   * Binds.
   *
   * @param owner owns the products
   * @param scratch gives tiles, which mean nothing between two uses
   * @param shapes rows and columns of each matrix
   * @param rows the arithmetic of each lane, as wide as the longest row
   */
  Orthogonalizer(
      Engine engine, Buffers owner, Scratch scratch, List<Shape> shapes, MuonRows[] rows) {
    this.engine = engine;
    this.rows = rows;
    grams = new TileProducts[] {new TileProducts(engine, owner), new TileProducts(engine, owner)};
    results = new TileProducts[] {new TileProducts(engine, owner), new TileProducts(engine, owner)};
    squares = new TileProducts(engine, owner);
    List<Block> all = new ArrayList<>();
    for (Shape shape : shapes) {
      Tile x = scratch.tile(shape.rows(), shape.columns());
      Tile y = scratch.tile(shape.rows(), shape.columns());
      Tile a = scratch.tile(shape.shorter(), shape.shorter());
      Tile square = scratch.tile(shape.shorter(), shape.shorter());
      in.add(x.asRows(shape.rows(), shape.columns()));
      out.add(y.asRows(shape.rows(), shape.columns()));
      boolean wide = shape.rows() <= shape.columns();
      bind(0, wide, x, a, square, y);
      bind(1, wide, y, a, square, x);
      squares.add(a, false, a, false, square, false);
      addBlocks(all, a, square);
    }
    blocks = all.toArray(new Block[0]);
  }

  /**
   * A matrix of so many numbers.
   *
   * @param rows at least 1
   * @param columns at least 1
   */
  record Shape(int rows, int columns) {
    int shorter() {
      return Math.min(rows, columns);
    }

    /** Returns the numbers of the tiles that it is given. */
    long numbers() {
      return 2L * rows * columns + 2L * shorter() * shorter();
    }
  }

  private void bind(int turn, boolean wide, Tile x, Tile a, Tile square, Tile y) {
    grams[turn].add(x, !wide, x, wide, a, false);
    if (wide) {
      results[turn].add(square, false, x, false, y, false);
    } else {
      results[turn].add(x, false, square, false, y, false);
    }
  }

  private static void addBlocks(List<Block> to, Tile a, Tile square) {
    int n = a.rows();
    RowView rows = a.asRows(n, n);
    RowView squareRows = square.asRows(n, n);
    for (int from = 0; from < n; from += BLOCK) {
      to.add(new Block(rows, squareRows, from, Math.min(n, from + BLOCK)));
    }
  }

  /** Returns where the i-th matrix goes, of a norm of 1 or 0. */
  RowView in(int i) {
    return in.get(i);
  }

  /** Returns where it comes out. */
  RowView out(int i) {
    return out.get(i);
  }

  /** Runs all steps; the last one's result is that of the first kind, since they are odd. */
  void run() {
    for (int step = 0; step < STEPS; step++) {
      grams[step % 2].run();
      squares.run();
      engine.run(blocks.length, mix);
      results[step % 2].run();
    }
  }

  private void mix(Lane lane, int index) {
    Block block = blocks[index];
    for (int row = block.from(); row < block.to(); row++) {
      rows[lane.index()].mix(block.a(), block.square(), row);
    }
  }
}
