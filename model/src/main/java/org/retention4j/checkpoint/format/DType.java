package org.retention4j.checkpoint.format;

/**
 * The element types of safetensors files that are read.
 *
 * @since 0.1
 */
public enum DType {
  /** IEEE double precision. */
  F64(8, true),
  /** IEEE single precision. */
  F32(4, true),
  /** IEEE half precision. */
  F16(2, true),
  /** The upper half of IEEE single precision. */
  BF16(2, true),
  /** 64-bit integers. */
  I64(8, false),
  /** 32-bit integers. */
  I32(4, false),
  /** Bytes. */
  U8(1, false),
  /** Truth values, a byte each. */
  BOOL(1, false);

  private final int bytes;
  private final boolean weight;

  DType(int bytes, boolean weight) {
    this.bytes = bytes;
    this.weight = weight;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns whether weights may have this type. */
  public boolean isWeight() {
    return weight;
  }
}
