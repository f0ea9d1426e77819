package org.retention4j.testkit;

import java.util.Arrays;
import org.assertj.core.api.AbstractAssert;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * AssertJ assertions on tensors. Arrays may have any strides, views included; each is copied out
 * once and not changed.
 *
 * <pre>{@code
 * import static org.retention4j.testkit.TensorAssert.assertThat;
 *
 * assertThat(output)
 *     .hasShape(2, 7, 4, 8)
 *     .isFinite()
 *     .isCloseTo(expected, Tolerance.reference(DataType.FLOAT, true, 7));
 * }</pre>
 *
 * @since 0.1
 */
public final class TensorAssert extends AbstractAssert<TensorAssert, INDArray> {
  private TensorAssert(INDArray actual) {
    super(actual, TensorAssert.class);
  }

  /**
   * Starts an assertion.
   *
   * @param actual any shape; null fails at the first check
   */
  public static TensorAssert assertThat(INDArray actual) {
    return new TensorAssert(actual);
  }

  /**
   * Checks the shape.
   *
   * <pre>{@code
   * assertThat(Nd4j.zeros(2, 3)).hasShape(2, 3); // passes
   * assertThat(Nd4j.zeros(2, 3)).hasShape(3, 2); // fails
   * }</pre>
   *
   * @param shape the sizes, 0 included
   */
  public TensorAssert hasShape(long... shape) {
    isNotNull();
    if (!Arrays.equals(actual.shape(), shape)) {
      failWithMessage(
          "Expecting tensor of shape %s but its shape is %s",
          Arrays.toString(shape), Arrays.toString(actual.shape()));
    }
    return this;
  }

  /**
   * Checks the element type.
   *
   * <pre>{@code
   * assertThat(Nd4j.zeros(DataType.FLOAT, 2)).hasDataType(DataType.FLOAT);  // passes
   * assertThat(Nd4j.zeros(DataType.FLOAT, 2)).hasDataType(DataType.DOUBLE); // fails
   * }</pre>
   */
  public TensorAssert hasDataType(DataType type) {
    isNotNull();
    if (actual.dataType() != type) {
      failWithMessage("Expecting tensor of type %s but its type is %s", type, actual.dataType());
    }
    return this;
  }

  /**
   * Checks that no element is NaN or infinite.
   *
   * <pre>{@code
   * assertThat(Nd4j.createFromArray(1.0, 2.0)).isFinite();        // passes
   * assertThat(Nd4j.createFromArray(1.0, Double.NaN)).isFinite(); // fails
   * }</pre>
   */
  public TensorAssert isFinite() {
    isNotNull();
    double[] values = Tensors.flat(actual);
    int first = -1;
    int count = 0;
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        first = first < 0 ? i : first;
        count++;
      }
    }
    if (count > 0) {
      failWithMessage(
          "Expecting tensor of shape %s to be finite%nbut %s of %s elements are not,"
              + " the first at %s: %s",
          Arrays.toString(actual.shape()),
          count,
          values.length,
          Arrays.toString(Closeness.place(first, actual.shape())),
          values[first]);
    }
    return this;
  }

  /**
   * Checks type, shape and every bit: 0.0 is not −0.0, NaN is NaN.
   *
   * <pre>{@code
   * assertThat(Nd4j.createFromArray(1.0)).isEqualTo(Nd4j.createFromArray(1.0));         // passes
   * assertThat(Nd4j.createFromArray(1.0)).isEqualTo(Nd4j.createFromArray(1.0 + 1e-15)); // fails
   * }</pre>
   *
   * @param expected an INDArray, FLOAT or DOUBLE
   */
  @Override
  public TensorAssert isEqualTo(Object expected) {
    isNotNull();
    if (!(expected instanceof INDArray other)) {
      failWithMessage("Expecting a tensor equal to %s, which is no tensor", expected);
      return this;
    }
    hasDataType(other.dataType());
    hasShape(other.shape());
    double[] a = Tensors.flat(actual);
    double[] b = Tensors.flat(other);
    int first = -1;
    int count = 0;
    for (int i = 0; i < a.length; i++) {
      if (Double.doubleToLongBits(a[i]) != Double.doubleToLongBits(b[i])) {
        first = first < 0 ? i : first;
        count++;
      }
    }
    if (count > 0) {
      failWithMessage(
          "Expecting tensor of shape %s to be equal to the bit%nbut %s of %s elements differ,"
              + " the first at %s: actual %s, expected %s",
          Arrays.toString(actual.shape()),
          count,
          a.length,
          Arrays.toString(Closeness.place(first, actual.shape())),
          a[first],
          b[first]);
    }
    return this;
  }

  /**
   * Checks the distance per head and per token.
   *
   * <p>A tensor of rank 4 is read as outputs (B,T,H,V), one of rank 3 as (B,T,D) with one head; any
   * other is one head as a whole. For a state see {@link #isStateCloseTo}. The types may differ:
   * both are widened.
   *
   * <pre>{@code
   * Tolerance fp32 = Tolerance.reference(DataType.FLOAT, true, 1);
   * assertThat(Nd4j.createFromArray(1.0 + 1e-7)).isCloseTo(Nd4j.createFromArray(1.0), fp32); // passes
   * assertThat(Nd4j.createFromArray(1.0 + 1e-5)).isCloseTo(Nd4j.createFromArray(1.0), fp32); // fails
   * }</pre>
   *
   * @param expected of the same shape, every value finite
   * @throws IllegalArgumentException if an expected value is not finite
   */
  public TensorAssert isCloseTo(INDArray expected, Tolerance tolerance) {
    return isCloseTo(
        expected,
        tolerance,
        switch (expected.rank()) {
          case 4 -> Closeness.Layout.OUTPUT;
          case 3 -> Closeness.Layout.SEQUENCE;
          default -> Closeness.Layout.WHOLE;
        });
  }

  /**
   * Checks the distance per head of a state.
   *
   * <pre>{@code
   * Tolerance fp32 = Tolerance.reference(DataType.FLOAT, true, 1);
   * assertThat(state).isStateCloseTo(state, fp32);         // passes
   * assertThat(state.mul(2)).isStateCloseTo(state, fp32);  // fails
   * }</pre>
   *
   * @param expected (B,H,K,V), every value finite
   * @throws IllegalArgumentException for another rank, or if an expected value is not finite
   */
  public TensorAssert isStateCloseTo(INDArray expected, Tolerance tolerance) {
    if (expected.rank() != 4) {
      throw new IllegalArgumentException(
          "expected a state of shape (B,H,K,V), got " + Arrays.toString(expected.shape()));
    }
    return isCloseTo(expected, tolerance, Closeness.Layout.STATE);
  }

  private TensorAssert isCloseTo(INDArray expected, Tolerance tolerance, Closeness.Layout layout) {
    isNotNull();
    hasShape(expected.shape());
    Closeness closeness =
        new Closeness(
            Tensors.flat(actual), Tensors.flat(expected), actual.shape(), layout, tolerance);
    int bad = closeness.firstBadExpectation();
    if (bad >= 0) {
      throw new IllegalArgumentException(
          "expected finite values to compare with, got a value that is not at "
              + Arrays.toString(Closeness.place(bad, expected.shape())));
    }
    if (!closeness.close()) {
      failWithMessage("%s", closeness.describe(actual.dataType().name()));
    }
    return this;
  }
}
