package org.retention4j.internal.memory;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.retention4j.engine.ops.Tile;

/** A tile that is read and written as fp32. */
public abstract class Fp32Tile extends Tile {
  Fp32Tile(int rows, int columns) {
    super(rows, columns);
  }

  /** Returns a zeroed tile in native memory. */
  public static Fp32Tile allocate(Arena arena, int rows, int columns) {
    return NativeTile.make(arena, rows, columns);
  }

  /**
   * Returns a pointer to element (0,0); the arena keeps the memory.
   *
   * @throws UnsupportedOperationException if no fp32 lie in native memory
   */
  public abstract FloatPointer pointer();

  /** Returns whether its rows follow each other without gaps. */
  public final boolean dense() {
    return stride() == columns() || rows() <= 1;
  }

  /** Copies {@code count} elements of a row from a column on to {@code into[at…)}. */
  public abstract void read(int row, int column, float[] into, int at, int count);

  /** Sets {@code count} elements of a row from a column on from {@code from[at…)}. */
  public abstract void write(int row, int column, float[] from, int at, int count);

  /** Copies the first {@code count} elements of a row. */
  public final void read(int row, float[] into, int count) {
    read(row, 0, into, 0, count);
  }

  /** Copies {@code count} elements of a row from a column on. */
  public final void read(int row, int column, float[] into, int count) {
    read(row, column, into, 0, count);
  }

  /** Copies whole rows that follow each other to {@code into[0..count·columns)}. */
  public void readRows(int row, int count, float[] into) {
    for (int i = 0; i < count; i++) {
      read(row + i, 0, into, i * columns(), columns());
    }
  }

  /** Sets whole rows that follow each other from {@code from[0..count·columns)}. */
  public void writeRows(int row, int count, float[] from) {
    for (int i = 0; i < count; i++) {
      write(row + i, 0, from, i * columns(), columns());
    }
  }

  /** Sets the first {@code count} elements of a row. */
  public final void write(int row, float[] from, int count) {
    write(row, 0, from, 0, count);
  }

  /** Sets {@code count} elements of a row from a column on. */
  public final void write(int row, int column, float[] from, int count) {
    write(row, column, from, 0, count);
  }

  /** Sets the first {@code count} elements of a row from {@code from[at…)}. */
  public final void writeFrom(int row, float[] from, int at, int count) {
    write(row, 0, from, at, count);
  }

  /** Copies all elements of a tile of the same shape. */
  public abstract void copyFrom(Fp32Tile from);

  /** Copies all elements to {@code to[at…)}, rows a stride apart. */
  abstract void copyTo(FloatBuffer to, int at, int stride);
}
