package org.retention4j.internal.memory;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** A tile on the heap, where kernels of Java work on it in place. */
public final class HeapTile extends Fp32Tile {
  private final float[] data;
  private final int start;
  private final int stride;

  private HeapTile(float[] data, int start, int stride, int rows, int columns) {
    super(rows, columns);
    this.data = data;
    this.start = start;
    this.stride = stride;
  }

  /** Returns a zeroed tile, which an arena counts. */
  public static HeapTile allocate(Arena arena, int rows, int columns) {
    float[] data = new float[Math.multiplyExact(rows, columns)];
    arena.account((long) Float.BYTES * data.length);
    return new HeapTile(data, 0, columns, rows, columns);
  }

  /** Returns the array that it lies in. */
  public float[] data() {
    return data;
  }

  /** Returns the index of element (0,0). */
  public int start() {
    return start;
  }

  @Override
  public int stride() {
    return stride;
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    return new HeapTile(data, start + row * stride + column, stride, rowCount, columnCount);
  }

  @Override
  protected Tile repack(int columnCount) {
    return new HeapTile(data, start, columnCount, rows(), columnCount);
  }

  @Override
  public FloatPointer pointer() {
    throw new UnsupportedOperationException("a tile on the heap has no address");
  }

  @Override
  public void read(int row, int column, float[] into, int at, int count) {
    System.arraycopy(data, start + row * stride + column, into, at, count);
  }

  @Override
  public void write(int row, int column, float[] from, int at, int count) {
    System.arraycopy(from, at, data, start + row * stride + column, count);
  }

  @Override
  public void readRows(int row, int count, float[] into) {
    if (dense()) {
      System.arraycopy(data, start + row * stride, into, 0, count * columns());
    } else {
      super.readRows(row, count, into);
    }
  }

  @Override
  public void writeRows(int row, int count, float[] from) {
    if (dense()) {
      System.arraycopy(from, 0, data, start + row * stride, count * columns());
    } else {
      super.writeRows(row, count, from);
    }
  }

  @Override
  public void copyFrom(Fp32Tile from) {
    if (dense() && start == 0) {
      from.readRows(0, rows(), data);
      return;
    }
    for (int i = 0; i < rows(); i++) {
      from.read(i, 0, data, start + i * stride, columns());
    }
  }

  @Override
  void copyTo(FloatBuffer to, int at, int toStride) {
    for (int i = 0; i < rows(); i++) {
      to.put(at + i * toStride, data, start + i * stride, columns());
    }
  }

  @Override
  public RowView asRows(int tokens, int width) {
    long[] strides = {(long) tokens * stride, stride, width, 1};
    int extent = rows() == 0 ? 0 : (rows() - 1) * stride + columns();
    FloatBuffer[] window = {FloatBuffer.wrap(data, start, extent).slice()};
    return RowView.of(() -> {}, window, strides, width);
  }
}
