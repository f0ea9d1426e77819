package org.retention4j.engine.ops;

/**
 * The type in which a weight matrix is stored.
 *
 * @since 0.1
 */
public enum WeightType {
  /** IEEE single precision. */
  FLOAT32(4),
  /** The upper half of IEEE single precision; activations stay in fp32. */
  BFLOAT16(2),
  /**
   * 8-bit integers with one fp32 factor per output feature. Where that is what makes it faster,
   * activations are rounded to 8 bits on the fly, with one factor per row: on processors that
   * multiply 8-bit integers; with the Vector API only those of five rows and more, and only with
   * 512-bit vectors.
   */
  INT8(1, BFLOAT16),
  /** IEEE double precision; only in the float64 engine. */
  FLOAT64(8);

  private final int bytes;
  private final WeightType tableType;

  WeightType(int bytes) {
    this.bytes = bytes;
    tableType = this;
  }

  WeightType(int bytes, WeightType tableType) {
    this.bytes = bytes;
    this.tableType = tableType;
  }

  /** Returns the size of one weight in bytes. */
  public int bytes() {
    return bytes;
  }

  /**
   * Returns the type of the tables beside weights of this type, of which single rows are read: its
   * own, or a wider one where it has none.
   */
  public WeightType tableType() {
    return tableType;
  }
}
