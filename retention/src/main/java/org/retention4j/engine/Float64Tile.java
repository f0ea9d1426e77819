package org.retention4j.engine;

import java.util.Arrays;

/** A tile on the heap, one array per row. */
final class Float64Tile extends Tile {
  private final double[][] elements;
  private final int row;
  private final int column;

  private Float64Tile(double[][] elements, int row, int column, int rows, int columns) {
    super(rows, columns);
    this.elements = elements;
    this.row = row;
    this.column = column;
  }

  static Float64Tile allocate(Arena arena, int rows, int columns) {
    arena.account((long) rows * columns * Double.BYTES);
    return new Float64Tile(new double[rows][columns], 0, 0, rows, columns);
  }

  @Override
  int stride() {
    return columns();
  }

  @Override
  Tile slice(int row, int rowCount, int column, int columnCount) {
    return new Float64Tile(elements, this.row + row, this.column + column, rowCount, columnCount);
  }

  @Override
  Tile repack(int columnCount) {
    return slice(0, rows(), 0, columnCount);
  }

  /** Returns the array that holds row {@code i}; elements start at {@link #column()}. */
  double[] row(int i) {
    return elements[row + i];
  }

  /** Returns the arrays of this tile's rows, see {@link #row}. */
  double[][] elements() {
    return row == 0 ? elements : Arrays.copyOfRange(elements, row, row + rows());
  }

  int column() {
    return column;
  }
}
