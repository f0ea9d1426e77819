package org.retention4j.internal.memory;

import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** A tile whose elements are rounded to bf16 when they are written, for products to read. */
public final class Bf16Operand extends Fp32Tile {
  private final Bf16Tile elements;
  private final ShortBuffer buffer;
  private final int start;
  private final Room room;

  /** Rounds to bf16 and back. */
  public interface Rounding {
    /** to[i] ← from[at+i] rounded to bf16 for i &lt; n; NaN stays NaN. */
    void narrow(float[] from, int at, short[] to, int n);

    /** to[i] ← from[at+i], bf16, for i &lt; n. */
    void widen(short[] from, int at, float[] to, int n);
  }

  /** What a lane has for such tiles. */
  public static final class Room {
    private final Rounding rounding;
    private final GrowableFloats floats = new GrowableFloats();
    private short[] halves = new short[64];

    /** Begins with little. */
    public Room(Rounding rounding) {
      this.rounding = rounding;
    }

    private short[] halves(int n) {
      if (halves.length < n) {
        halves = new short[n];
      }
      return halves;
    }
  }

  private Bf16Operand(Bf16Tile elements, ShortBuffer buffer, int start, Room room) {
    super(elements.rows(), elements.columns());
    this.elements = elements;
    this.buffer = buffer;
    this.start = start;
    this.room = room;
  }

  /** Returns a zeroed tile. */
  public static Bf16Operand allocate(Arena arena, int rows, int columns, Room room) {
    long bytes = Math.max(1, (long) rows * columns) * Short.BYTES;
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a tile of " + rows + " x " + columns + " numbers in bf16 exceeds 2 GiB");
    }
    BytePointer block = arena.allocate(bytes);
    ShortBuffer buffer = block.asByteBuffer().asShortBuffer();
    return new Bf16Operand(Bf16Tile.of(block, rows, columns), buffer, 0, room);
  }

  /** Returns its elements as products read them. */
  public Bf16Tile elements() {
    return elements;
  }

  @Override
  public int stride() {
    return elements.stride();
  }

  @Override
  protected Tile slice(int row, int rowCount, int column, int columnCount) {
    Tile part = elements.part(row, rowCount, column, columnCount);
    return new Bf16Operand((Bf16Tile) part, buffer, start + row * stride() + column, room);
  }

  @Override
  protected Tile repack(int columnCount) {
    return new Bf16Operand((Bf16Tile) elements.narrow(columnCount), buffer, start, room);
  }

  @Override
  public FloatPointer pointer() {
    throw new UnsupportedOperationException("a tile of bf16 holds no fp32");
  }

  @Override
  public void read(int row, int column, float[] into, int at, int count) {
    short[] halves = room.halves(count);
    buffer.get(start + row * stride() + column, halves, 0, count);
    for (int i = 0; i < count; i++) {
      into[at + i] = Bfloat16.toFloat(halves[i]);
    }
  }

  @Override
  public void write(int row, int column, float[] from, int at, int count) {
    short[] halves = room.halves(count);
    room.rounding.narrow(from, at, halves, count);
    buffer.put(start + row * stride() + column, halves, 0, count);
  }

  @Override
  public void readRows(int row, int count, float[] into) {
    int width = columns();
    short[] halves = room.halves(count * width);
    for (int i = 0; i < count && !dense(); i++) {
      buffer.get(start + (row + i) * stride(), halves, i * width, width);
    }
    if (dense()) {
      buffer.get(start + row * stride(), halves, 0, count * width);
    }
    room.rounding.widen(halves, 0, into, count * width);
  }

  @Override
  public void writeRows(int row, int count, float[] from) {
    int width = columns();
    short[] halves = room.halves(count * width);
    room.rounding.narrow(from, 0, halves, count * width);
    for (int i = 0; i < count && !dense(); i++) {
      buffer.put(start + (row + i) * stride(), halves, i * width, width);
    }
    if (dense()) {
      buffer.put(start + row * stride(), halves, 0, count * width);
    }
  }

  @Override
  public void copyFrom(Fp32Tile from) {
    float[] x = room.floats.atLeast(rows() * columns());
    from.readRows(0, rows(), x);
    writeRows(0, rows(), x);
  }

  @Override
  void copyTo(FloatBuffer to, int at, int toStride) {
    float[] x = room.floats.atLeast(rows() * columns());
    readRows(0, rows(), x);
    for (int i = 0; i < rows(); i++) {
      to.put(at + i * toStride, x, i * columns(), columns());
    }
  }

  @Override
  public RowView asRows(int tokens, int width) {
    throw new UnsupportedOperationException("a tile of bf16 is read by products only");
  }
}
