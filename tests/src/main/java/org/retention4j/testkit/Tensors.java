package org.retention4j.testkit;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.DoublePointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Small operations on INDArrays that tests need; none keeps or changes its arguments.
 *
 * @since 0.1
 */
public final class Tensors {
  private Tensors() {}

  /**
   * Copies to float64 in row-major order, any strides.
   *
   * @param array FLOAT or DOUBLE (or another type that widens exactly)
   */
  public static double[] flat(INDArray array) {
    if (array.isEmpty() || array.length() == 0) {
      return new double[0];
    }
    double[] values = new double[Math.toIntExact(array.length())];
    INDArray dense = array.castTo(DataType.DOUBLE).dup('c');
    new DoublePointer(dense.data().addressPointer()).get(values);
    return values;
  }

  /**
   * Returns a new dense array in row-major order.
   *
   * @param values as many as the shape has
   * @param type FLOAT or DOUBLE; FLOAT rounds to nearest
   */
  public static INDArray of(double[] values, DataType type, long... shape) {
    if (values.length == 0) {
      return Nd4j.create(type, shape);
    }
    return Nd4j.createFromArray(values).castTo(type).reshape('c', shape);
  }

  /**
   * Returns standard normal numbers, the same for the same seed; FLOAT ones are the DOUBLE ones
   * rounded.
   */
  public static INDArray gaussian(long seed, DataType type, long... shape) {
    Random random = new Random(seed);
    double[] values = new double[count(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextGaussian();
    }
    return of(values, type, shape);
  }

  private static int count(long... shape) {
    return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
  }

  /**
   * Returns tokens {@code from} to {@code to}, exclusive, as a new dense array.
   *
   * @param array (B,T,…), rank 3 or 4
   */
  public static INDArray tokens(INDArray array, int from, int to) {
    return part(array, 1, from, to);
  }

  /**
   * Returns rows {@code from} to {@code to}, exclusive, of the first dimension as a new dense
   * array.
   */
  public static INDArray rows(INDArray array, int from, int to) {
    return part(array, 0, from, to);
  }

  private static INDArray part(INDArray array, int dimension, int from, int to) {
    long[] shape = array.shape();
    long outer = 1;
    for (int i = 0; i < dimension; i++) {
      outer *= shape[i];
    }
    long inner = 1;
    for (int i = dimension + 1; i < shape.length; i++) {
      inner *= shape[i];
    }
    double[] all = flat(array);
    int length = Math.toIntExact((to - from) * inner);
    double[] some = new double[Math.toIntExact(outer * length)];
    for (int i = 0; i < outer; i++) {
      int at = Math.toIntExact((i * shape[dimension] + from) * inner);
      System.arraycopy(all, at, some, i * length, length);
    }
    shape = shape.clone();
    shape[dimension] = to - from;
    return of(some, array.dataType(), shape);
  }

  /**
   * Joins two arrays (B,T₁,…) and (B,T₂,…) to (B,T₁+T₂,…); either T may be 0.
   *
   * @param first of the same type and other sizes as {@code second}
   */
  public static INDArray concatTokens(INDArray first, INDArray second) {
    long[] shape = first.shape().clone();
    int batch = Math.toIntExact(shape[0]);
    double[] a = flat(first);
    double[] b = flat(second);
    double[] all = new double[a.length + b.length];
    int lengthA = a.length / batch;
    int lengthB = b.length / batch;
    for (int i = 0; i < batch; i++) {
      System.arraycopy(a, i * lengthA, all, i * (lengthA + lengthB), lengthA);
      System.arraycopy(b, i * lengthB, all, i * (lengthA + lengthB) + lengthA, lengthB);
    }
    shape[1] += second.size(1);
    return of(all, first.dataType(), shape);
  }

  /**
   * Returns an array of equal values whose elements lie apart in memory: a view with other strides
   * and an offset into a larger array filled with NaN.
   *
   * @param array rank 1 to 4, not empty
   */
  public static INDArray strided(INDArray array) {
    int rank = array.rank();
    long[] shape = array.shape();
    long[] larger = new long[rank];
    for (int i = 0; i < rank; i++) {
      // Reversed order of dimensions, one more element at each end.
      larger[rank - 1 - i] = shape[i] + 2;
    }
    int[] reversed = new int[rank];
    org.nd4j.linalg.indexing.INDArrayIndex[] inside =
        new org.nd4j.linalg.indexing.INDArrayIndex[rank];
    for (int i = 0; i < rank; i++) {
      reversed[i] = rank - 1 - i;
      inside[i] = org.nd4j.linalg.indexing.NDArrayIndex.interval(1, 1 + shape[i]);
    }
    INDArray memory = Nd4j.valueArrayOf(larger, Double.NaN, array.dataType());
    INDArray view = memory.permute(reversed).get(inside);
    return view.assign(array);
  }

  /** Returns a copy with one element set, given its place in row-major order. */
  public static INDArray with(INDArray array, long place, double value) {
    double[] values = flat(array);
    values[Math.toIntExact(place)] = value;
    return of(values, array.dataType(), array.shape());
  }

  /** Returns a copy of equal shape and type in row-major order, empty arrays included. */
  public static INDArray copy(INDArray array) {
    return of(flat(array), array.dataType(), array.shape());
  }
}
