package org.retention4j.nn;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.engine.ops.PackedMatrix;

/**
 * A weight that a part of a model asks for.
 *
 * @param name in words, one of its own within the part
 * @param kind what it is
 * @param rows output features of a matrix, or the length of a vector
 * @param columns input features of a matrix, 1 for a vector
 * @since 0.1
 */
public record WeightSpec(String name, Kind kind, long rows, long columns) {
  /** What a weight is. */
  public enum Kind {
    /** A matrix (out,in). */
    MATRIX,
    /** The weight of a norm. */
    NORM,
    /** A bias. */
    BIAS
  }

  /** Returns a matrix (out,in). */
  public static WeightSpec matrix(String name, long outputs, long inputs) {
    return new WeightSpec(name, Kind.MATRIX, outputs, inputs);
  }

  /** Returns the weight of a norm. */
  public static WeightSpec norm(String name, long length) {
    return new WeightSpec(name, Kind.NORM, length, 1);
  }

  /** Returns a bias. */
  public static WeightSpec bias(String name, long length) {
    return new WeightSpec(name, Kind.BIAS, length, 1);
  }

  /** Returns the same weight of a larger part, its name behind a prefix. */
  public WeightSpec within(String prefix) {
    return new WeightSpec(prefix + name, kind, rows, columns);
  }

  /** Returns whether it is a matrix and no vector. */
  public boolean isMatrix() {
    return kind == Kind.MATRIX;
  }

  /** Returns the number of its elements. */
  public long elements() {
    return rows * columns;
  }

  /**
   * Refuses a matrix of another shape.
   *
   * @param w null where there is none
   * @throws IllegalArgumentException with the shape that was expected
   */
  public PackedMatrix check(PackedMatrix w) {
    checkShape(w == null ? null : new long[] {w.outputs(), w.inputs()});
    return w;
  }

  /**
   * Refuses a vector of another length.
   *
   * @param vector null where there is none
   * @throws IllegalArgumentException with the length that was expected
   */
  public double[] check(double[] vector) {
    checkShape(vector == null ? null : new long[] {vector.length});
    return vector;
  }

  /**
   * Refuses another shape.
   *
   * @param shape null where there is no such weight
   * @throws IllegalArgumentException with the shape that was expected
   */
  public void checkShape(long[] shape) {
    if (isMatrix() && !Arrays.equals(shape, new long[] {rows, columns})) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %s weights of shape [%d, %d], got %s",
              name,
              rows,
              columns,
              shape == null ? "none" : Arrays.toString(shape)));
    }
    if (!isMatrix() && !Arrays.equals(shape, new long[] {rows})) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected %d %s weights, got %s",
              rows,
              name,
              shape == null ? "none" : shape.length == 1 ? shape[0] : Arrays.toString(shape)));
    }
  }
}
