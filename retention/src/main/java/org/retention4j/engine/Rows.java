package org.retention4j.engine;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A view of (B,T,H,W) elements as rows of W, with any strides, over memory that somebody else owns.
 *
 * <p>Reads and writes copy one row to or from a heap array; they allocate nothing and may be used
 * by many threads. The view keeps the array it was made from alive.
 */
public final class Rows {
  /** A window starts every 2^27 elements; windows overlap so that a row never straddles two. */
  private static final int WINDOW_SHIFT = 27;

  private static final long WINDOW_MASK = (1L << WINDOW_SHIFT) - 1;
  private static final long WINDOW_LENGTH = 3L << (WINDOW_SHIFT - 1);

  private final Object owner;

  private final FloatBuffer[] floats;
  private final DoubleBuffer[] doubles;
  private final double[][] heap;
  private final int heapColumn;
  private final long batchStride;
  private final long tokenStride;
  private final long headStride;
  private final long elementStride;
  private final int width;

  private Rows(
      Object owner,
      FloatBuffer[] floats,
      DoubleBuffer[] doubles,
      double[][] heap,
      int heapColumn,
      long[] strides,
      int width) {
    this.owner = owner;
    this.floats = floats;
    this.doubles = doubles;
    this.heap = heap;
    this.heapColumn = heapColumn;
    this.batchStride = strides[0];
    this.tokenStride = strides[1];
    this.headStride = strides[2];
    this.elementStride = strides[3];
    this.width = width;
  }

  /**
   * Views an array of shape (B,T,H,W), or (B,T,W) with one head.
   *
   * @param array fp32 or float64, any strides, views included
   * @throws IllegalArgumentException for another rank or type
   */
  public static Rows of(INDArray array) {
    int rank = array.rank();
    if (rank != 3 && rank != 4) {
      throw new IllegalArgumentException(
          "expected an array of rank 3 (B,T,W) or 4 (B,T,H,W), got rank " + rank);
    }
    requireOpen(array);
    long[] shape = array.shape();
    long[] given = array.stride();
    int width = Math.toIntExact(shape[rank - 1]);
    long[] strides = rank == 4 ? given.clone() : new long[] {given[0], given[1], 0, given[2]};
    if (array.isEmpty() || array.length() == 0) {
      return new Rows(array, new FloatBuffer[0], new DoubleBuffer[0], null, 0, strides, width);
    }
    long extent = extent(array);
    Pointer base = array.data().addressPointer();
    if (array.dataType() == DataType.FLOAT) {
      return new Rows(array, floatWindows(base, extent), null, null, 0, strides, width);
    }
    if (array.dataType() == DataType.DOUBLE) {
      return new Rows(array, null, doubleWindows(base, extent), null, 0, strides, width);
    }
    throw new IllegalArgumentException(
        "expected an array of type FLOAT or DOUBLE, got " + array.dataType());
  }

  /** Views a tile of B·T rows and H·W columns as (B,T,H,W). */
  public static Rows of(Tile tile, int tokens, int width) {
    long[] strides = {(long) tokens * tile.stride(), tile.stride(), width, 1};
    if (tile instanceof Float32Tile t) {
      FloatBuffer[] windows = floatWindows(t.pointer(), extent(t));
      return new Rows(tile, windows, null, null, 0, strides, width);
    }
    Float64Tile t = (Float64Tile) tile;
    strides[0] = tokens;
    strides[1] = 1;
    return new Rows(tile, null, null, t.elements(), t.column(), strides, width);
  }

  private static void requireOpen(INDArray array) {
    DataBuffer data = array.data();
    DataBuffer viewed = data == null ? null : data.underlyingDataBuffer();
    if (array.wasClosed() || (viewed != null && viewed.wasClosed())) {
      throw new IllegalArgumentException("expected an open array, got one that was closed");
    }
  }

  /**
   * Checks that the array behind this view still has its memory.
   *
   * @throws IllegalArgumentException if it was closed
   */
  public void requireOpen() {
    if (owner instanceof INDArray array) {
      requireOpen(array);
    }
  }

  private static FloatBuffer[] floatWindows(Pointer base, long extent) {
    FloatBuffer[] windows = new FloatBuffer[windowCount(extent)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = window(base, i, extent, Float.BYTES).asFloatBuffer();
    }
    return windows;
  }

  private static DoubleBuffer[] doubleWindows(Pointer base, long extent) {
    DoubleBuffer[] windows = new DoubleBuffer[windowCount(extent)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = window(base, i, extent, Double.BYTES).asDoubleBuffer();
    }
    return windows;
  }

  private static int windowCount(long extent) {
    return Math.toIntExact((extent + WINDOW_MASK) >>> WINDOW_SHIFT);
  }

  private static ByteBuffer window(Pointer base, int index, long extent, int bytes) {
    long from = (long) index << WINDOW_SHIFT;
    long count = Math.min(extent - from, WINDOW_LENGTH);
    return Arena.window(base, from * bytes, count * bytes).asByteBuffer();
  }

  /** Returns the row width W. */
  public int width() {
    return width;
  }

  /** Returns whether the memory ranges of two arrays overlap. */
  public static boolean overlap(INDArray a, INDArray b) {
    requireOpen(a);
    requireOpen(b);
    if (a.length() == 0 || b.length() == 0) {
      return false;
    }
    long startA = a.data().addressPointer().address();
    long startB = b.data().addressPointer().address();
    return startA < startB + extent(b) * b.dataType().width()
        && startB < startA + extent(a) * a.dataType().width();
  }

  /** Returns whether two arrays are the same elements of the same memory. */
  public static boolean same(INDArray a, INDArray b) {
    return a.data().addressPointer().address() == b.data().addressPointer().address()
        && Arrays.equals(a.shape(), b.shape())
        && Arrays.equals(a.stride(), b.stride());
  }

  /** Returns the elements from an array's first to its last in memory. */
  private static long extent(INDArray array) {
    long extent = 1;
    for (int i = 0; i < array.rank(); i++) {
      extent += (array.size(i) - 1) * array.stride(i);
    }
    return extent;
  }

  /** Returns the elements from a tile's first to its last in memory. */
  private static long extent(Tile tile) {
    return tile.rows() == 0 ? 0 : (tile.rows() - 1L) * tile.stride() + tile.columns();
  }

  private long offset(int batch, long token, int head) {
    return batch * batchStride + token * tokenStride + head * headStride;
  }

  /** Copies row (batch, token, head) to {@code into[0..W)}. */
  public void read(int batch, long token, int head, float[] into) {
    long at = offset(batch, token, head);
    FloatBuffer window = floats[(int) (at >>> WINDOW_SHIFT)];
    int from = (int) (at & WINDOW_MASK);
    if (elementStride == 1) {
      window.get(from, into, 0, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      long p = at + i * elementStride;
      into[i] = floats[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
    }
  }

  /** Copies {@code from[0..W)} to row (batch, token, head). */
  public void write(int batch, long token, int head, float[] from) {
    long at = offset(batch, token, head);
    FloatBuffer window = floats[(int) (at >>> WINDOW_SHIFT)];
    int start = (int) (at & WINDOW_MASK);
    if (elementStride == 1) {
      window.put(start, from, 0, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      long p = at + i * elementStride;
      floats[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), from[i]);
    }
  }

  /** Copies row (batch, token, head) to {@code into[0..W)}. */
  public void read(int batch, long token, int head, double[] into) {
    long at = offset(batch, token, head);
    if (heap != null) {
      int column = heapColumn + head * width;
      System.arraycopy(heap[row(batch, token)], column, into, 0, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      long p = at + i * elementStride;
      into[i] = doubles[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
    }
  }

  /** Copies {@code from[0..W)} to row (batch, token, head). */
  public void write(int batch, long token, int head, double[] from) {
    long at = offset(batch, token, head);
    if (heap != null) {
      int column = heapColumn + head * width;
      System.arraycopy(from, 0, heap[row(batch, token)], column, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      long p = at + i * elementStride;
      doubles[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), from[i]);
    }
  }

  /** Copies row (batch, token, head) of either type to {@code into[0..W)}, widened. */
  public void readWide(int batch, long token, int head, double[] into) {
    if (floats == null) {
      read(batch, token, head, into);
      return;
    }
    for (int i = 0; i < width; i++) {
      into[i] = get(batch, token, head, i);
    }
  }

  /** Copies row (batch, token, head) of either type to {@code into[0..W)}, rounded to fp32. */
  public void readNarrow(int batch, long token, int head, float[] into) {
    if (floats != null) {
      read(batch, token, head, into);
      return;
    }
    for (int i = 0; i < width; i++) {
      into[i] = (float) get(batch, token, head, i);
    }
  }

  /** Copies {@code from[0..W)} to row (batch, token, head) of either type. */
  public void writeWide(int batch, long token, int head, double[] from) {
    if (floats == null) {
      write(batch, token, head, from);
      return;
    }
    float[] narrow = new float[width];
    for (int i = 0; i < width; i++) {
      narrow[i] = (float) from[i];
    }
    write(batch, token, head, narrow);
  }

  /** Returns one element of either type, widened. */
  public double get(int batch, long token, int head, int element) {
    long p = offset(batch, token, head) + element * elementStride;
    if (floats != null) {
      return floats[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
    }
    if (heap != null) {
      return heap[row(batch, token)][heapColumn + head * width + element];
    }
    return doubles[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
  }

  private int row(int batch, long token) {
    return (int) (batch * batchStride + token * tokenStride);
  }
}
