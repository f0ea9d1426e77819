package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.memory.Arena;

/** A tile on the heap, one array per row. */
public final class Fp64Tile extends Tile {
  private final double[][] elements;
  private final int row;
  private final int column;

  private Fp64Tile(double[][] elements, int row, int column, int rows, int columns) {
    super(rows, columns);
    this.elements = elements;
    this.row = row;
    this.column = column;
  }

  /** Returns a zeroed tile. */
  public static Fp64Tile allocate(Arena arena, int rows, int columns) {
    arena.account((long) rows * columns * Double.BYTES);
    return new Fp64Tile(new double[rows][columns], 0, 0, rows, columns);
  }

  @Override
  public int stride() {
    return columns();
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    return new Fp64Tile(elements, this.row + row, this.column + column, rowCount, columnCount);
  }

  @Override
  protected Tile repack(int columnCount) {
    return slice(0, rows(), 0, columnCount);
  }

  /** Returns the array that holds row {@code i}; elements start at {@link #column()}. */
  double[] row(int i) {
    return elements[row + i];
  }

  int column() {
    return column;
  }

  @Override
  public RowView asRows(int tokens, int width) {
    double[][] own = row == 0 ? elements : Arrays.copyOfRange(elements, row, row + rows());
    return RowView.of(own, column, tokens, width);
  }
}
