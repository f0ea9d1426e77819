package org.retention4j.checkpoint.internal.family;

import java.util.List;
import org.retention4j.nn.WeightSpec;

/**
 * A tensor that a configuration asks for.
 *
 * @param use what becomes of it in memory
 * @param parts into how many matrices of equally many rows it is packed, 0 for a vector
 * @since 0.1
 */
public record ExpectedTensor(String name, List<Long> shape, Use use, int parts) {
  /** Copies the shape. */
  public ExpectedTensor {
    shape = List.copyOf(shape);
  }

  /** What becomes of a tensor in memory. */
  public enum Use {
    /** A layer's matrix, packed. */
    MATRIX,
    /** The embedding table, copied. */
    TABLE,
    /** The output matrix, packed. */
    OUTPUT,
    /** The embedding table of a tied model: copied, and packed as the output matrix. */
    TIED_TABLE,
    /** The weight of a norm. */
    NORM,
    /** A bias. */
    BIAS
  }

  /** Returns a weight of a mixer. */
  static ExpectedTensor of(String name, WeightSpec weight) {
    return switch (weight.kind()) {
      case MATRIX -> matrix(name, weight.rows(), weight.columns());
      case NORM -> norm(name, weight.rows());
      case BIAS -> bias(name, weight.rows());
    };
  }

  /** Returns a layer's matrix. */
  static ExpectedTensor matrix(String name, long rows, long columns) {
    return of(name, rows, columns, Use.MATRIX, 1);
  }

  /** Returns a layer's matrix of two stacked ones. */
  static ExpectedTensor fused(String name, long rows, long columns) {
    return of(name, rows, columns, Use.MATRIX, 2);
  }

  /** Returns the embedding table. */
  static ExpectedTensor table(String name, long rows, long columns, boolean tied) {
    return of(name, rows, columns, tied ? Use.TIED_TABLE : Use.TABLE, 1);
  }

  /** Returns the output matrix. */
  static ExpectedTensor output(String name, long rows, long columns) {
    return of(name, rows, columns, Use.OUTPUT, 1);
  }

  /** Returns the weight of a norm. */
  static ExpectedTensor norm(String name, long length) {
    return new ExpectedTensor(name, List.of(length), Use.NORM, 0);
  }

  /** Returns a bias. */
  static ExpectedTensor bias(String name, long length) {
    return new ExpectedTensor(name, List.of(length), Use.BIAS, 0);
  }

  private static ExpectedTensor of(String name, long rows, long columns, Use use, int parts) {
    return new ExpectedTensor(name, List.of(rows, columns), use, parts);
  }

  /** Returns the rows of a matrix, or the length of a vector. */
  public long rows() {
    return shape.get(0);
  }

  /** Returns the columns of a matrix. */
  public long columns() {
    return shape.get(1);
  }
}
