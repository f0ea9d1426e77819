package org.retention4j.engine.ops;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * A view of (B,T,H,W) elements as rows of W, with any strides, over memory that somebody else owns.
 *
 * <p>Reads and writes copy one row to or from a heap array; they allocate nothing and may be used
 * by many threads. The view keeps what it was made from alive.
 *
 * @since 0.1
 */
public final class RowView {
  /** A window starts every 2^27 elements; windows overlap so that a row never straddles two. */
  public static final int WINDOW_SHIFT = 27;

  /** Elements of a window, the last one's fewer. */
  public static final long WINDOW_LENGTH = 3L << (WINDOW_SHIFT - 1);

  /** So many elements lie in one window, wherever they begin. */
  private static final long LONGEST_RUN = WINDOW_LENGTH - (1L << WINDOW_SHIFT);

  private static final long WINDOW_MASK = (1L << WINDOW_SHIFT) - 1;

  private final Runnable requireOpen;
  private final FloatBuffer[] floats;
  private final DoubleBuffer[] doubles;
  private final ShortBuffer[] halves;
  private final double[][] heap;
  private final int heapColumn;
  private final long batchStride;
  private final long tokenStride;
  private final long headStride;
  private final long elementStride;
  private final int width;

  private RowView(
      Runnable requireOpen,
      FloatBuffer[] floats,
      DoubleBuffer[] doubles,
      ShortBuffer[] halves,
      double[][] heap,
      int heapColumn,
      long[] strides,
      int width) {
    this.requireOpen = requireOpen;
    this.floats = floats;
    this.doubles = doubles;
    this.halves = halves;
    this.heap = heap;
    this.heapColumn = heapColumn;
    this.batchStride = strides[0];
    this.tokenStride = strides[1];
    this.headStride = strides[2];
    this.elementStride = strides[3];
    this.width = width;
  }

  /**
   * Views fp32 elements.
   *
   * @param requireOpen refuses to go on when the memory is gone; kept alive by the view
   * @param windows {@link #windowCount} of them, each from a multiple of 2^{@value #WINDOW_SHIFT}
   *     on {@link #WINDOW_LENGTH} long
   * @param strides of batch, token, head and element
   */
  public static RowView of(Runnable requireOpen, FloatBuffer[] windows, long[] strides, int width) {
    return new RowView(requireOpen, windows, null, null, null, 0, strides, width);
  }

  /** The same over float64 elements. */
  public static RowView of(
      Runnable requireOpen, DoubleBuffer[] windows, long[] strides, int width) {
    return new RowView(requireOpen, null, windows, null, null, 0, strides, width);
  }

  /**
   * The same over bf16 elements, which are read and written as fp32: see {@link #bfloat16}. The
   * elements of a row follow each other.
   */
  public static RowView of(Runnable requireOpen, ShortBuffer[] windows, long[] strides, int width) {
    if (strides[3] != 1) {
      throw new IllegalArgumentException(
          "expected elements of bf16 that follow each other, got a stride of " + strides[3]);
    }
    return new RowView(requireOpen, null, null, windows, null, 0, strides, width);
  }

  /** Views float64 rows on the heap from a column on: row b·tokens + t holds token t of b. */
  public static RowView of(double[][] rows, int column, int tokens, int width) {
    long[] strides = {tokens, 1, width, 1};
    return new RowView(() -> {}, null, null, null, rows, column, strides, width);
  }

  /** Returns the number of windows over so many elements. */
  public static int windowCount(long elements) {
    return Math.toIntExact((elements + WINDOW_MASK) >>> WINDOW_SHIFT);
  }

  /**
   * Checks that the memory behind this view is still there.
   *
   * @throws IllegalArgumentException if it was closed
   */
  public void requireOpen() {
    requireOpen.run();
  }

  /** Returns whether elements are of bf16, so that what is written is rounded. */
  public boolean bfloat16() {
    return halves != null;
  }

  /** Returns the row width W. */
  public int width() {
    return width;
  }

  /**
   * Returns the first elements of each row.
   *
   * @param count of them, 1…W
   */
  public RowView first(int count) {
    if (count < 1 || count > width) {
      throw new IllegalArgumentException(
          "expected 1 to " + width + " elements of a row, got " + count);
    }
    long[] strides = {batchStride, tokenStride, headStride, elementStride};
    return new RowView(requireOpen, floats, doubles, halves, heap, heapColumn, strides, count);
  }

  private long offset(int batch, long token, int head) {
    return batch * batchStride + token * tokenStride + head * headStride;
  }

  /** Returns whether n rows lie one behind the other, here and in an array, and in one window. */
  private boolean denseRun(int n, int stride) {
    return elementStride == 1
        && tokenStride == width
        && stride == width
        && (long) n * width <= LONGEST_RUN;
  }

  /** Copies row (batch, token, head) to {@code into[0..W)}. */
  public void read(int batch, long token, int head, float[] into) {
    read(batch, token, head, 1, into);
  }

  /** Copies {@code from[0..W)} to row (batch, token, head). */
  public void write(int batch, long token, int head, float[] from) {
    write(batch, token, head, 1, from);
  }

  /** Copies the rows of n tokens that follow each other to {@code into[0..n·W)}. */
  public void read(int batch, long token, int head, int n, float[] into) {
    read(batch, token, head, n, into, 0, width);
  }

  /** Copies the rows of n tokens that follow each other to {@code into[at…)}, a stride apart. */
  public void read(int batch, long token, int head, int n, float[] into, int at, int stride) {
    if (halves != null) {
      readHalves(batch, token, head, n, into, at, stride);
      return;
    }
    if (denseRun(n, stride)) {
      long from = offset(batch, token, head);
      floats[(int) (from >>> WINDOW_SHIFT)].get((int) (from & WINDOW_MASK), into, at, n * width);
      return;
    }
    for (int i = 0; i < n; i++) {
      long from = offset(batch, token + i, head);
      int to = at + i * stride;
      if (elementStride == 1) {
        floats[(int) (from >>> WINDOW_SHIFT)].get((int) (from & WINDOW_MASK), into, to, width);
        continue;
      }
      for (int j = 0; j < width; j++) {
        long p = from + j * elementStride;
        into[to + j] = floats[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
      }
    }
  }

  /** Copies {@code from[0..n·W)} to the rows of n tokens that follow each other. */
  public void write(int batch, long token, int head, int n, float[] from) {
    write(batch, token, head, n, from, 0, width);
  }

  /** Copies rows a stride apart from {@code from[at…)} on to n tokens that follow each other. */
  public void write(int batch, long token, int head, int n, float[] from, int at, int stride) {
    if (halves != null) {
      writeHalves(batch, token, head, n, from, at, stride);
      return;
    }
    if (denseRun(n, stride)) {
      long to = offset(batch, token, head);
      floats[(int) (to >>> WINDOW_SHIFT)].put((int) (to & WINDOW_MASK), from, at, n * width);
      return;
    }
    for (int i = 0; i < n; i++) {
      long to = offset(batch, token + i, head);
      int row = at + i * stride;
      if (elementStride == 1) {
        floats[(int) (to >>> WINDOW_SHIFT)].put((int) (to & WINDOW_MASK), from, row, width);
        continue;
      }
      for (int j = 0; j < width; j++) {
        long p = to + j * elementStride;
        floats[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), from[row + j]);
      }
    }
  }

  private void readHalves(
      int batch, long token, int head, int n, float[] into, int at, int stride) {
    for (int i = 0; i < n; i++) {
      long from = offset(batch, token + i, head);
      for (int j = 0; j < width; j++) {
        into[at + i * stride + j] = half(from + j * elementStride);
      }
    }
  }

  private void writeHalves(
      int batch, long token, int head, int n, float[] from, int at, int stride) {
    for (int i = 0; i < n; i++) {
      long to = offset(batch, token + i, head);
      for (int j = 0; j < width; j++) {
        putHalf(to + j * elementStride, from[at + i * stride + j]);
      }
    }
  }

  private float half(long p) {
    return Bfloat16.toFloat(halves[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK)));
  }

  private void putHalf(long p, float value) {
    halves[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), Bfloat16.fromFloat(value));
  }

  /**
   * Copies {@code from[0..n·W)}, bf16, to the rows of n tokens that follow each other; of views of
   * {@link #bfloat16} only. Faster than what rounds.
   */
  public void write(int batch, long token, int head, int n, short[] from) {
    int rows = denseRun(n, width) ? n : 1;
    for (int i = 0; i < n; i += rows) {
      long to = offset(batch, token + i, head);
      ShortBuffer window = halves[(int) (to >>> WINDOW_SHIFT)];
      window.put((int) (to & WINDOW_MASK), from, i * width, rows * width);
    }
  }

  /** Copies row (batch, token, head) to {@code into[0..W)}. */
  public void read(int batch, long token, int head, double[] into) {
    long at = offset(batch, token, head);
    if (heap != null) {
      int column = heapColumn(head);
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
      int column = heapColumn(head);
      System.arraycopy(from, 0, heap[row(batch, token)], column, width);
      return;
    }
    for (int i = 0; i < width; i++) {
      long p = at + i * elementStride;
      doubles[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), from[i]);
    }
  }

  /** Copies row (batch, token, head) of any type to {@code into[0..W)}, widened. */
  public void readWide(int batch, long token, int head, double[] into) {
    if (wide()) {
      read(batch, token, head, into);
      return;
    }
    for (int i = 0; i < width; i++) {
      into[i] = get(batch, token, head, i);
    }
  }

  /** Copies row (batch, token, head) of any type to {@code into[0..W)}, rounded to fp32. */
  public void readNarrow(int batch, long token, int head, float[] into) {
    if (!wide()) {
      read(batch, token, head, into);
      return;
    }
    for (int i = 0; i < width; i++) {
      into[i] = (float) get(batch, token, head, i);
    }
  }

  /** Copies {@code from[0..W)} to row (batch, token, head) of any type. */
  public void writeWide(int batch, long token, int head, double[] from) {
    if (wide()) {
      write(batch, token, head, from);
      return;
    }
    long start = offset(batch, token, head);
    for (int i = 0; i < width; i++) {
      put(start + i * elementStride, (float) from[i]);
    }
  }

  private boolean wide() {
    return doubles != null || heap != null;
  }

  private void put(long p, float value) {
    if (halves != null) {
      putHalf(p, value);
    } else {
      floats[(int) (p >>> WINDOW_SHIFT)].put((int) (p & WINDOW_MASK), value);
    }
  }

  /** Returns one element of any type, widened. */
  public double get(int batch, long token, int head, int element) {
    long p = offset(batch, token, head) + element * elementStride;
    if (floats != null) {
      return floats[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
    }
    if (halves != null) {
      return half(p);
    }
    if (heap != null) {
      return heap[row(batch, token)][heapColumn(head) + element];
    }
    return doubles[(int) (p >>> WINDOW_SHIFT)].get((int) (p & WINDOW_MASK));
  }

  private int heapColumn(int head) {
    return heapColumn + head * (int) headStride;
  }

  private int row(int batch, long token) {
    return (int) (batch * batchStride + token * tokenStride);
  }
}
