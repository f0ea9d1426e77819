package org.retention4j.internal.memory;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** A tile in native memory, where oneDNN can reach it. */
final class NativeTile extends Fp32Tile {
  private final FloatBuffer buffer;
  private final BytePointer block;
  private final int start;
  private final int stride;

  private NativeTile(
      BytePointer block, FloatBuffer buffer, int start, int stride, int rows, int columns) {
    super(rows, columns);
    this.block = block;
    this.buffer = buffer;
    this.start = start;
    this.stride = stride;
  }

  /** Returns a zeroed tile. */
  static NativeTile make(Arena arena, int rows, int columns) {
    long elements = Math.max(1, (long) rows * columns);
    if (elements * Float.BYTES > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a tile of " + rows + " x " + columns + " floats exceeds 2 GiB");
    }
    BytePointer block = arena.allocate(elements * Float.BYTES);
    return new NativeTile(block, block.asByteBuffer().asFloatBuffer(), 0, columns, rows, columns);
  }

  @Override
  public int stride() {
    return stride;
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    int at = start + row * stride + column;
    return new NativeTile(block, buffer, at, stride, rowCount, columnCount);
  }

  @Override
  protected Tile repack(int columnCount) {
    return new NativeTile(block, buffer, start, columnCount, rows(), columnCount);
  }

  @Override
  public FloatPointer pointer() {
    return new FloatPointer(Arena.window(block, 4L * start, block.limit() - 4L * start));
  }

  @Override
  public void read(int row, int column, float[] into, int at, int count) {
    buffer.get(start + row * stride + column, into, at, count);
  }

  @Override
  public void write(int row, int column, float[] from, int at, int count) {
    buffer.put(start + row * stride + column, from, at, count);
  }

  @Override
  public void readRows(int row, int count, float[] into) {
    if (dense()) {
      buffer.get(start + row * stride, into, 0, count * columns());
    } else {
      super.readRows(row, count, into);
    }
  }

  @Override
  public void writeRows(int row, int count, float[] from) {
    if (dense()) {
      buffer.put(start + row * stride, from, 0, count * columns());
    } else {
      super.writeRows(row, count, from);
    }
  }

  @Override
  public void copyFrom(Fp32Tile from) {
    from.copyTo(buffer, start, stride);
  }

  @Override
  void copyTo(FloatBuffer to, int at, int toStride) {
    if (dense() && (toStride == columns() || rows() <= 1)) {
      to.put(at, buffer, start, rows() * columns());
      return;
    }
    for (int i = 0; i < rows(); i++) {
      to.put(at + i * toStride, buffer, start + i * stride, columns());
    }
  }

  @Override
  public RowView asRows(int tokens, int width) {
    long[] strides = {(long) tokens * stride, stride, width, 1};
    long extent = rows() == 0 ? 0 : (rows() - 1L) * stride + columns();
    return RowView.of(() -> {}, Windows.floats(pointer(), extent), strides, width);
  }
}
