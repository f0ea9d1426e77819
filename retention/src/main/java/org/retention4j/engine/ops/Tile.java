package org.retention4j.engine.ops;

import java.util.Locale;

/**
 * A row-major matrix of the engine's element type, used as scratch and as the buffer between
 * products. Elements are reached through {@link RowView} or a {@link Lane} only.
 *
 * @since 0.1
 */
public abstract class Tile {
  private final int rows;
  private final int columns;

  protected Tile(int rows, int columns) {
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException("negative tile size " + rows + " x " + columns);
    }
    this.rows = rows;
    this.columns = columns;
  }

  /** Returns the number of rows. */
  public final int rows() {
    return rows;
  }

  /** Returns the number of columns. */
  public final int columns() {
    return columns;
  }

  /** Returns the distance between two rows in elements. */
  public abstract int stride();

  /**
   * Returns a part of this tile that shares its memory.
   *
   * @throws IllegalArgumentException if the part does not lie inside
   */
  public final Tile part(int row, int rowCount, int column, int columnCount) {
    if (row < 0
        || column < 0
        || rowCount < 0
        || columnCount < 0
        || row + rowCount > rows
        || column + columnCount > columns) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "part (%d,%d) of size %d x %d does not lie in a tile of %d x %d",
              row,
              column,
              rowCount,
              columnCount,
              rows,
              columns));
    }
    return slice(row, rowCount, column, columnCount);
  }

  /**
   * Returns a tile of fewer columns over the memory of this one, its rows without gaps.
   *
   * @throws IllegalArgumentException if this tile is a part of another or is too small
   */
  public final Tile narrow(int columnCount) {
    if (columnCount < 0 || columnCount > columns || stride() != columns) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a tile of %d x %d cannot be narrowed to %d columns",
              rows,
              columns,
              columnCount));
    }
    return repack(columnCount);
  }

  /** Makes a tile of fewer columns, its rows without gaps. */
  protected abstract Tile repack(int columnCount);

  /** Makes a part of this tile, which lies inside. */
  protected abstract Tile slice(int row, int rowCount, int column, int columnCount);

  /** Views B·T rows and H·W columns as (B,T,H,W). */
  public abstract RowView asRows(int tokens, int width);
}
