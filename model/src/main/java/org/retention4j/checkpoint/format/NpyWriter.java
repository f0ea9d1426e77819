package org.retention4j.checkpoint.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Writes an array of floats in NumPy's .npy format, row by row and in any order of rows, so that it
 * need not fit into memory. The file appears when the writer is finished; closed before, it leaves
 * nothing.
 *
 * @since 0.1
 */
public final class NpyWriter implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final PendingFile file;
  private final long[] shape;
  private final long rowWidth;
  private final int elementBytes;
  private final long start;
  private final ByteBuffer row;
  private final long rows;
  private final BitSet written = new BitSet();

  /**
   * Begins a file where none was before.
   *
   * @param wide whether elements are float64 instead of fp32
   * @param shape at least one dimension; the last is a row
   * @throws CheckpointException if it cannot be written, or a file that is not empty is there
   * @throws IllegalArgumentException for no dimension, a negative one, or 2^31 rows or bytes of a
   *     row, or more
   */
  public NpyWriter(Path path, boolean wide, long... shape) {
    this(false, path, wide, shape);
  }

  /** Begins a file, which replaces one that is there when it is finished; see the constructor. */
  public static NpyWriter replacing(Path path, boolean wide, long... shape) {
    return new NpyWriter(true, path, wide, shape);
  }

  private NpyWriter(boolean replace, Path path, boolean wide, long... shape) {
    if (shape.length == 0 || Arrays.stream(shape).anyMatch(size -> size < 0)) {
      throw new IllegalArgumentException(
          "expected a shape of at least one dimension, each >= 0, got " + Arrays.toString(shape));
    }
    this.shape = shape.clone();
    rowWidth = shape[shape.length - 1];
    elementBytes = wide ? Double.BYTES : Float.BYTES;
    rows = Arrays.stream(shape, 0, shape.length - 1).reduce(1, Math::multiplyExact);
    if (rows > Integer.MAX_VALUE || rowWidth > Integer.MAX_VALUE / elementBytes) {
      throw new IllegalArgumentException(
          "expected less than 2^31 rows of less than 2^31 bytes, got shape "
              + Arrays.toString(shape));
    }
    byte[] header = header();
    start = header.length;
    row = ByteBuffer.allocate(Math.toIntExact(rowWidth * elementBytes));
    row.order(ByteOrder.LITTLE_ENDIAN);
    file = PendingFile.of(path, replace);
    try {
      file.write(0, ByteBuffer.wrap(header));
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private byte[] header() {
    String sizes = Arrays.stream(shape).mapToObj(Long::toString).collect(Collectors.joining(", "));
    String text =
        String.format(
            Locale.ROOT,
            "{'descr': '<f%d', 'fortran_order': False, 'shape': (%s%s), }",
            elementBytes,
            sizes,
            shape.length == 1 ? "," : "");
    int length = (10 + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    header.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    header.putShort((short) (length - 10));
    header.put(text.getBytes(StandardCharsets.US_ASCII));
    while (header.position() < length - 1) {
      header.put((byte) ' ');
    }
    header.put((byte) '\n');
    return header.array();
  }

  /**
   * Writes one row.
   *
   * @param index counted over all but the last dimension, in row-major order
   * @param values a row
   * @throws IllegalArgumentException if there is no such row or the values are not one
   * @throws IllegalStateException if the row was written before
   */
  public void write(long index, double[] values) {
    if (index < 0 || index >= rows || values.length != rowWidth) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a row in 0..%d of %d values, got row %d of %d",
              rows - 1,
              rowWidth,
              index,
              values.length));
    }
    if (written.get((int) index)) {
      throw new IllegalStateException("row " + index + " was written before");
    }
    row.clear();
    for (int i = 0; i < rowWidth; i++) {
      if (elementBytes == Double.BYTES) {
        row.putDouble(values[i]);
      } else {
        row.putFloat((float) values[i]);
      }
    }
    file.write(start + index * row.capacity(), row.flip());
    written.set((int) index);
  }

  /**
   * Makes the file appear.
   *
   * @throws IllegalStateException if rows are missing
   * @throws CheckpointException if another has appeared there meanwhile, which stays then
   */
  public void finish() {
    if (written.cardinality() != rows) {
      throw new IllegalStateException("expected " + rows + " rows, got " + written.cardinality());
    }
    file.finish();
  }

  @Override
  public void close() {
    file.close();
  }
}
