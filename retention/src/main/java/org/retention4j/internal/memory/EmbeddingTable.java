package org.retention4j.internal.memory;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;

/** A table in native memory, in fp32 or bf16 (float64 in the float64 engine). */
public final class EmbeddingTable implements RowTable {
  private static final int BLOCK = 1024;

  private final Arena arena = new Arena();
  private final WeightType type;
  private final int rows;
  private final int columns;
  private final List<ByteBuffer> blocks = new ArrayList<>();
  private volatile boolean closed;

  /**
   * Copies a matrix; it is not retained.
   *
   * @param type FLOAT32, BFLOAT16 or FLOAT64, a {@link WeightType#tableType}
   */
  public EmbeddingTable(MatrixSource source, WeightType type) {
    if (type.tableType() != type) {
      throw new IllegalArgumentException(
          "expected a table in a type that has some, as " + type.tableType() + ", got " + type);
    }
    this.type = type;
    rows = source.rows();
    columns = source.columns();
    try {
      copy(source);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private void copy(MatrixSource source) {
    float[] row = new float[columns];
    double[] wide = new double[type == WeightType.FLOAT64 ? columns : 0];
    short[] narrow = new short[type == WeightType.BFLOAT16 ? columns : 0];
    for (int i = 0; i < rows; i++) {
      if (i % BLOCK == 0) {
        long size = (long) Math.min(BLOCK, rows - i) * columns * type.bytes();
        blocks.add(arena.allocate(size).asByteBuffer());
      }
      ByteBuffer block = blocks.get(i / BLOCK);
      int at = i % BLOCK * columns;
      switch (type) {
        case BFLOAT16 -> {
          source.readBfloat16(i, row, narrow);
          block.asShortBuffer().put(at, narrow, 0, columns);
        }
        case FLOAT64 -> {
          source.read(i, wide);
          block.asDoubleBuffer().put(at, wide, 0, columns);
        }
        case FLOAT32 -> {
          source.read(i, row);
          block.asFloatBuffer().put(at, row, 0, columns);
        }
        default -> throw new AssertionError(type);
      }
    }
  }

  /** Returns the bytes that a table takes. */
  public static long bytes(WeightType type, long rows, long columns) {
    long block = Arena.held(BLOCK * columns * type.bytes());
    long rest = rows % BLOCK;
    return rows / BLOCK * block + (rest == 0 ? 0 : Arena.held(rest * columns * type.bytes()));
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public WeightType type() {
    return type;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  private ByteBuffer block(int row) {
    if (closed) {
      throw new IllegalStateException("this embedding table is closed");
    }
    return blocks.get(row / BLOCK);
  }

  @Override
  public void read(int row, float[] into) {
    ByteBuffer block = block(row);
    int at = row % BLOCK * columns;
    for (int i = 0; i < columns; i++) {
      into[i] =
          switch (type) {
            case BFLOAT16 -> Bfloat16.toFloat(block.getShort(2 * (at + i)));
            case FLOAT64 -> (float) block.getDouble(8 * (at + i));
            case FLOAT32 -> block.getFloat(4 * (at + i));
            default -> throw new AssertionError(type);
          };
    }
  }

  @Override
  public void read(int row, double[] into) {
    ByteBuffer block = block(row);
    int at = row % BLOCK * columns;
    for (int i = 0; i < columns; i++) {
      into[i] =
          switch (type) {
            case BFLOAT16 -> Bfloat16.toFloat(block.getShort(2 * (at + i)));
            case FLOAT64 -> block.getDouble(8 * (at + i));
            case FLOAT32 -> block.getFloat(4 * (at + i));
            default -> throw new AssertionError(type);
          };
    }
  }

  @Override
  public void close() {
    closed = true;
    arena.close();
  }
}
