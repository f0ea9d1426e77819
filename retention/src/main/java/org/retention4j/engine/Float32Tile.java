package org.retention4j.engine;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/** A tile in native memory, where oneDNN can reach it. */
final class Float32Tile extends Tile {
  private final FloatBuffer buffer;
  private final BytePointer block;
  private final int start;
  private final int stride;

  private Float32Tile(
      BytePointer block, FloatBuffer buffer, int start, int stride, int rows, int columns) {
    super(rows, columns);
    this.block = block;
    this.buffer = buffer;
    this.start = start;
    this.stride = stride;
  }

  static Float32Tile allocate(Arena arena, int rows, int columns) {
    long elements = Math.max(1, (long) rows * columns);
    if (elements * Float.BYTES > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a tile of " + rows + " x " + columns + " floats exceeds 2 GiB");
    }
    BytePointer block = arena.allocate(elements * Float.BYTES);
    return new Float32Tile(block, block.asByteBuffer().asFloatBuffer(), 0, columns, rows, columns);
  }

  @Override
  int stride() {
    return stride;
  }

  @Override
  Tile slice(int row, int rowCount, int column, int columnCount) {
    int at = start + row * stride + column;
    return new Float32Tile(block, buffer, at, stride, rowCount, columnCount);
  }

  @Override
  Tile repack(int columnCount) {
    return new Float32Tile(block, buffer, start, columnCount, rows(), columnCount);
  }

  /** Returns a pointer to element (0,0); the arena keeps the memory. */
  FloatPointer pointer() {
    return new FloatPointer(Arena.window(block, 4L * start, block.limit() - 4L * start));
  }

  boolean dense() {
    return stride == columns() || rows() <= 1;
  }

  void read(int row, float[] into, int count) {
    buffer.get(start + row * stride, into, 0, count);
  }

  void read(int row, int column, float[] into, int count) {
    buffer.get(start + row * stride + column, into, 0, count);
  }

  void write(int row, float[] from, int count) {
    buffer.put(start + row * stride, from, 0, count);
  }

  void write(int row, int column, float[] from, int count) {
    buffer.put(start + row * stride + column, from, 0, count);
  }

  void write(int row, int column, float[] from, int start, int count) {
    buffer.put(this.start + row * stride + column, from, start, count);
  }

  void writeFrom(int row, float[] from, int start, int count) {
    buffer.put(this.start + row * stride, from, start, count);
  }
}
