package org.retention4j.snapshot;

import org.retention4j.engine.ops.ElementType;

/**
 * How the numbers of a section are written.
 *
 * @since 0.1
 */
public enum NumberType {
  /** IEEE single precision. */
  FLOAT32(4),
  /** IEEE double precision. */
  FLOAT64(8),
  /** The upper half of a FLOAT32, rounded to nearest, ties to even. */
  BFLOAT16(2);

  private final int bytes;

  NumberType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the bytes of a number. */
  public int bytes() {
    return bytes;
  }

  /** Returns the bytes of so many numbers that follow each other, filled up to a multiple of 8. */
  public long bytes(long count) {
    return (count * bytes + 7) / 8 * 8;
  }

  /** Returns the type that keeps an engine's numbers as they are. */
  public static NumberType of(ElementType type) {
    return type == ElementType.FLOAT64 ? FLOAT64 : FLOAT32;
  }
}
