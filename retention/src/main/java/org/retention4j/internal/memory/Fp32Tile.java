package org.retention4j.internal.memory;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** A tile in native memory, where oneDNN can reach it. */
public final class Fp32Tile extends Tile {
  private final FloatBuffer buffer;
  private final BytePointer block;
  private final int start;
  private final int stride;

  private Fp32Tile(
      BytePointer block, FloatBuffer buffer, int start, int stride, int rows, int columns) {
    super(rows, columns);
    this.block = block;
    this.buffer = buffer;
    this.start = start;
    this.stride = stride;
  }

  /** Returns a zeroed tile. */
  public static Fp32Tile allocate(Arena arena, int rows, int columns) {
    long elements = Math.max(1, (long) rows * columns);
    if (elements * Float.BYTES > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a tile of " + rows + " x " + columns + " floats exceeds 2 GiB");
    }
    BytePointer block = arena.allocate(elements * Float.BYTES);
    return new Fp32Tile(block, block.asByteBuffer().asFloatBuffer(), 0, columns, rows, columns);
  }

  @Override
  public int stride() {
    return stride;
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    int at = start + row * stride + column;
    return new Fp32Tile(block, buffer, at, stride, rowCount, columnCount);
  }

  @Override
  protected Tile repack(int columnCount) {
    return new Fp32Tile(block, buffer, start, columnCount, rows(), columnCount);
  }

  /** Returns a pointer to element (0,0); the arena keeps the memory. */
  public FloatPointer pointer() {
    return new FloatPointer(Arena.window(block, 4L * start, block.limit() - 4L * start));
  }

  /** Returns whether its rows follow each other without gaps. */
  public boolean dense() {
    return stride == columns() || rows() <= 1;
  }

  /** Copies the first {@code count} elements of a row. */
  public void read(int row, float[] into, int count) {
    buffer.get(start + row * stride, into, 0, count);
  }

  /** Copies whole rows that follow each other to {@code into[0..count·columns)}. */
  public void readRows(int row, int count, float[] into) {
    if (dense()) {
      buffer.get(start + row * stride, into, 0, count * columns());
      return;
    }
    for (int i = 0; i < count; i++) {
      buffer.get(start + (row + i) * stride, into, i * columns(), columns());
    }
  }

  /** Sets whole rows that follow each other from {@code from[0..count·columns)}. */
  public void writeRows(int row, int count, float[] from) {
    if (dense()) {
      buffer.put(start + row * stride, from, 0, count * columns());
      return;
    }
    for (int i = 0; i < count; i++) {
      buffer.put(start + (row + i) * stride, from, i * columns(), columns());
    }
  }

  /** Copies {@code count} elements of a row from a column on. */
  public void read(int row, int column, float[] into, int count) {
    buffer.get(start + row * stride + column, into, 0, count);
  }

  /** Sets the first {@code count} elements of a row. */
  public void write(int row, float[] from, int count) {
    buffer.put(start + row * stride, from, 0, count);
  }

  /** Sets {@code count} elements of a row from a column on. */
  public void write(int row, int column, float[] from, int count) {
    buffer.put(start + row * stride + column, from, 0, count);
  }

  /** Sets elements of a row from a column on. */
  public void write(int row, int column, float[] from, int start, int count) {
    buffer.put(this.start + row * stride + column, from, start, count);
  }

  /** Sets the first {@code count} elements of a row. */
  public void writeFrom(int row, float[] from, int start, int count) {
    buffer.put(this.start + row * stride, from, start, count);
  }

  /** Copies all elements of a tile of the same shape. */
  public void copyFrom(Fp32Tile from) {
    if (dense() && from.dense()) {
      buffer.put(start, from.buffer, from.start, rows() * columns());
      return;
    }
    for (int i = 0; i < rows(); i++) {
      buffer.put(start + i * stride, from.buffer, from.start + i * from.stride, columns());
    }
  }

  @Override
  public RowView asRows(int tokens, int width) {
    long[] strides = {(long) tokens * stride, stride, width, 1};
    long extent = rows() == 0 ? 0 : (rows() - 1L) * stride + columns();
    return RowView.of(() -> {}, Windows.floats(pointer(), extent), strides, width);
  }
}
