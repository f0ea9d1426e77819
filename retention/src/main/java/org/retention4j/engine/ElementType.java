package org.retention4j.engine;

import org.nd4j.linalg.api.buffer.DataType;

/** The type of activations and states. Weights may be narrower, see {@link WeightType}. */
public enum ElementType {
  /** IEEE single precision: the working type. */
  FLOAT32(4, DataType.FLOAT),
  /** IEEE double precision: for proofs and references. */
  FLOAT64(8, DataType.DOUBLE);

  private final int bytes;
  private final DataType dataType;

  ElementType(int bytes, DataType dataType) {
    this.bytes = bytes;
    this.dataType = dataType;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Returns the ND4J type that arrays of this element type must have. */
  public DataType dataType() {
    return dataType;
  }
}
