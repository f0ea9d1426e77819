package org.retention4j.internal.memory;

import org.bytedeco.javacpp.BytePointer;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** Elements rounded to bf16 in native memory, for products to read. */
public final class Bf16Tile extends Tile {
  private static final long BYTES = Short.BYTES;

  private final BytePointer block;
  private final long start;
  private final int stride;

  private Bf16Tile(BytePointer block, long start, int stride, int rows, int columns) {
    super(rows, columns);
    this.block = block;
    this.start = start;
    this.stride = stride;
  }

  /** Returns a tile whose rows are dense. */
  public static Bf16Tile of(ScratchTiles scratch, int rows, int columns) {
    return of(scratch.block(BYTES * rows * columns), rows, columns);
  }

  /** The same over a block. */
  static Bf16Tile of(BytePointer block, int rows, int columns) {
    return new Bf16Tile(block, 0, columns, rows, columns);
  }

  @Override
  public int stride() {
    return stride;
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    return new Bf16Tile(block, start + (long) row * stride + column, stride, rowCount, columnCount);
  }

  @Override
  protected Tile repack(int columnCount) {
    return new Bf16Tile(block, start, columnCount, rows(), columnCount);
  }

  /** Returns a pointer to element (0,0). */
  public BytePointer pointer() {
    return Arena.window(block, BYTES * start, block.limit() - BYTES * start);
  }

  @Override
  public RowView asRows(int tokens, int width) {
    long[] strides = {(long) tokens * stride, stride, width, 1};
    long extent = rows() == 0 ? 0 : (rows() - 1L) * stride + columns();
    return RowView.of(() -> {}, Windows.halves(pointer(), extent), strides, width);
  }
}
