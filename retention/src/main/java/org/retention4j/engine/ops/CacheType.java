package org.retention4j.engine.ops;

/**
 * The type in which a key/value cache keeps its elements.
 *
 * @since 0.1
 */
public enum CacheType {
  /** IEEE single precision. */
  FLOAT32(4),
  /** The upper half of IEEE single precision, widened when read. */
  BFLOAT16(2),
  /** IEEE double precision; only in the float64 engine. */
  FLOAT64(8);

  private final int bytes;

  CacheType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the type that loses nothing of an engine's numbers. */
  public static CacheType of(ElementType type) {
    return type == ElementType.FLOAT32 ? FLOAT32 : FLOAT64;
  }
}
