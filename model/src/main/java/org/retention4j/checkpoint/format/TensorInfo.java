package org.retention4j.checkpoint.format;

import java.util.List;

/**
 * A tensor as the header of a safetensors file describes it.
 *
 * @param begin first byte, counted from the end of the header
 * @param end byte after the last
 * @since 0.1
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long begin, long end) {
  /** Copies the shape. */
  public TensorInfo {
    shape = List.copyOf(shape);
  }

  /** Returns the number of elements. */
  public long elements() {
    return (end - begin) / dtype.bytes();
  }

  /** Returns whether the first dimension is of a size. */
  public boolean hasRows(long rows) {
    return !shape.isEmpty() && shape.get(0) == rows;
  }
}
