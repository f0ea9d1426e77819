package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What the assertions let pass, what they do not, and what they say then. */
class TensorAssertTest {
  private static final Tolerance TOLERANCE = Tolerance.of("a test", 1e-3);

  private static INDArray vector(double... values) {
    return Tensors.of(values, DataType.DOUBLE, values.length);
  }

  private static void fails(ThrowingCallable code, String message) {
    assertThatThrownBy(code).isInstanceOf(AssertionError.class).hasMessage(message);
  }

  @Test
  void hasShape() {
    assertThat(Nd4j.zeros(2, 3)).hasShape(2, 3);
    assertThat(Nd4j.create(DataType.FLOAT, 2, 0, 3)).hasShape(2, 0, 3);
    fails(
        () -> assertThat(Nd4j.zeros(2, 3)).hasShape(3, 2),
        "Expecting tensor of shape [3, 2] but its shape is [2, 3]");
    fails(() -> assertThat((INDArray) null).hasShape(3, 2), "\nExpecting actual not to be null");
  }

  @Test
  void hasDataType() {
    assertThat(vector(1)).hasDataType(DataType.DOUBLE);
    fails(
        () -> assertThat(vector(1)).hasDataType(DataType.FLOAT),
        "Expecting tensor of type FLOAT but its type is DOUBLE");
  }

  @Test
  void isFinite() {
    assertThat(vector(1, -Double.MAX_VALUE)).isFinite();
    INDArray x = Tensors.of(new double[6], DataType.FLOAT, 2, 3);
    x.putScalar(1, 0, Float.NEGATIVE_INFINITY);
    x.putScalar(1, 2, Float.NaN);
    fails(
        () -> assertThat(x).isFinite(),
        "Expecting tensor of shape [2, 3] to be finite\n"
            + "but 2 of 6 elements are not, the first at [1, 0]: -Infinity");
  }

  @Test
  void isEqualToTheBit() {
    assertThat(vector(1, Double.NaN)).isEqualTo(vector(1, Double.NaN));
    fails(
        () -> assertThat(vector(1, 2, 0.0)).isEqualTo(vector(1, Math.nextUp(2.0), -0.0)),
        "Expecting tensor of shape [3] to be equal to the bit\n"
            + "but 2 of 3 elements differ, the first at [1]:"
            + " actual 2.0, expected 2.0000000000000004");
    fails(
        () -> assertThat(vector(1)).isEqualTo(vector(1).castTo(DataType.FLOAT)),
        "Expecting tensor of type FLOAT but its type is DOUBLE");
    fails(
        () -> assertThat(vector(1)).isEqualTo(vector(1, 2)),
        "Expecting tensor of shape [2] but its shape is [1]");
    fails(
        () -> assertThat(vector(1)).isEqualTo("1"),
        "Expecting a tensor equal to 1, which is no tensor");
  }

  @Test
  void isEqualToReadsViewsByValue() {
    INDArray x = Tensors.gaussian(1, DataType.FLOAT, 3, 4);
    assertThat(Tensors.strided(x)).isEqualTo(x);
    assertThat(x.transpose()).isEqualTo(x.transpose().dup('c'));
  }

  @Test
  void isCloseToSaysWhereAndHowFar() {
    INDArray expected = Nd4j.ones(DataType.DOUBLE, 2, 3, 2, 4);
    INDArray actual = expected.dup();
    actual.putScalar(new long[] {1, 2, 0, 3}, 1.5);
    actual.putScalar(new long[] {1, 1, 0, 0}, 1.0625);
    fails(
        () -> assertThat(actual).isCloseTo(expected, TOLERANCE),
        "Expecting tensor of shape [2, 3, 2, 4], DOUBLE,\n"
            + "to be close to the expected one within"
            + " a test (1.0e-03 per head, 4.0e-03 per token)\n"
            + "worst element at [1, 2, 0, 3]: actual 1.5, expected 1.0,"
            + " relative error 5.000e-01\n"
            // √(0.5² + 0.0625²) / √12 and √0.25 / √4
            + "worst head (b=1, h=0): relative error 1.455e-01, bound 1.0e-03\n"
            + "worst token (b=1, t=2, h=0): relative error 2.500e-01, bound 4.0e-03\n"
            + "2 of 48 elements are out");
  }

  @Test
  void isStateCloseToKnowsHeads() {
    INDArray expected = Nd4j.ones(DataType.FLOAT, 1, 3, 2, 2);
    INDArray actual = expected.dup();
    actual.putScalar(new long[] {0, 2, 1, 0}, 3);
    assertThat(expected).isStateCloseTo(expected, TOLERANCE);
    fails(
        () -> assertThat(actual).isStateCloseTo(expected, TOLERANCE),
        "Expecting tensor of shape [1, 3, 2, 2], FLOAT,\n"
            + "to be close to the expected one within"
            + " a test (1.0e-03 per head, 4.0e-03 per token)\n"
            + "worst element at [0, 2, 1, 0]: actual 3.0, expected 1.0,"
            + " relative error 2.000e+00\n"
            + "worst head (b=0, h=2): relative error 1.000e+00, bound 1.0e-03\n"
            + "1 of 12 elements are out");
  }

  @Test
  void isCloseToTakesOtherRanksAsAWhole() {
    assertThat(vector(1, 1)).isCloseTo(vector(1, 1.001), TOLERANCE);
    fails(
        () -> assertThat(vector(1, 1)).isCloseTo(vector(1, 2), TOLERANCE),
        "Expecting tensor of shape [2], DOUBLE,\n"
            + "to be close to the expected one within"
            + " a test (1.0e-03 per head, 4.0e-03 per token)\n"
            + "worst element at [1]: actual 1.0, expected 2.0, relative error 5.000e-01\n"
            + "relative error: 4.472e-01, bound 1.0e-03\n"
            + "1 of 2 elements are out");
  }

  @Test
  void aHeadIsNotJudgedByAnother() {
    // A head 1e6 times smaller than its neighbour, wrong by a tenth of itself.
    INDArray expected = Tensors.of(new double[] {1e6, 1e6, 1, 1}, DataType.DOUBLE, 1, 1, 2, 2);
    INDArray actual = Tensors.of(new double[] {1e6, 1e6, 1.1, 1}, DataType.DOUBLE, 1, 1, 2, 2);
    assertThatThrownBy(() -> assertThat(actual).isCloseTo(expected, TOLERANCE))
        .hasMessageContaining("worst head (b=0, h=1): relative error 7.071e-02");
  }

  @Test
  void aSingleTokenDoesNotHideInItsHead() {
    int tokens = 1000;
    INDArray expected = Nd4j.ones(DataType.DOUBLE, 1, tokens, 1, 4);
    INDArray actual = expected.dup();
    actual.putScalar(new long[] {0, 600, 0, 1}, 1.01);
    // 0.01 / √4000 = 1.6e-4 of the head, but 5e-3 of the token, which may have 4e-3.
    assertThatThrownBy(() -> assertThat(actual).isCloseTo(expected, TOLERANCE))
        .hasMessageContaining("worst token (b=0, t=600, h=0): relative error 5.000e-03")
        .hasMessageContaining("1 of 4000 elements are out");
    actual.putScalar(new long[] {0, 600, 0, 1}, 1.007);
    assertThat(actual).isCloseTo(expected, TOLERANCE);
  }

  @Test
  void aTokenThatCancelsIsJudgedByASixteenthOfItsHead() {
    double[] values = new double[100];
    java.util.Arrays.fill(values, 1);
    values[50] = 1e-9;
    INDArray expected = Tensors.of(values, DataType.DOUBLE, 1, 100, 1, 1);
    // 1/16 of the usual 0.995, times 4e-3.
    INDArray inside = Tensors.with(expected, 50, 1e-9 + 0.99 * 0.995 * 4e-3 / 16);
    INDArray outside = Tensors.with(expected, 50, 1e-9 + 1.01 * 0.995 * 4e-3 / 16);
    assertThat(inside).isCloseTo(expected, TOLERANCE);
    assertThatThrownBy(() -> assertThat(outside).isCloseTo(expected, TOLERANCE))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("worst token (b=0, t=50, h=0)");
  }

  @Test
  void aSequenceIsJudgedTokenByToken() {
    INDArray expected = Nd4j.ones(DataType.DOUBLE, 2, 3, 4);
    INDArray actual = expected.dup();
    actual.putScalar(new long[] {1, 2, 3}, 2);
    assertThatThrownBy(() -> assertThat(actual).isCloseTo(expected, TOLERANCE))
        .hasMessageContaining("worst token (b=1, t=2, h=0): relative error 5.000e-01");
  }

  @Test
  void notANumberIsFar() {
    fails(
        () -> assertThat(vector(1, Double.NaN)).isCloseTo(vector(1, 1), TOLERANCE),
        "Expecting tensor of shape [2], DOUBLE,\n"
            + "to be close to the expected one within"
            + " a test (1.0e-03 per head, 4.0e-03 per token)\n"
            + "worst element at [1]: actual NaN, expected 1.0, relative error Infinity\n"
            + "relative error: Infinity, bound 1.0e-03\n"
            + "1 of 2 elements are out");
    assertThatThrownBy(
            () -> assertThat(vector(Double.NaN)).isCloseTo(vector(Double.NaN), TOLERANCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at [0]");
  }

  @Test
  void whatShouldBeZeroMustBeZero() {
    assertThat(vector(0, -0.0)).isCloseTo(vector(0, 0), TOLERANCE);
    assertThatThrownBy(() -> assertThat(vector(0, 1e-300)).isCloseTo(vector(0, 0), TOLERANCE))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1 of 2 elements are out");
  }

  @Test
  void emptyTensorsAreClose() {
    INDArray empty = Nd4j.create(DataType.FLOAT, 2, 0, 3);
    assertThat(empty).isCloseTo(empty, TOLERANCE).isEqualTo(empty).isFinite();
  }

  @Test
  void shapesMustAgree() {
    fails(
        () -> assertThat(vector(1)).isCloseTo(vector(1, 2), TOLERANCE),
        "Expecting tensor of shape [2] but its shape is [1]");
    assertThatThrownBy(() -> assertThat(vector(1)).isStateCloseTo(vector(1), TOLERANCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(B,H,K,V), got [1]");
  }

  @Test
  void aDescriptionComesFirst() {
    fails(
        () -> assertThat(vector(1)).as("outputs").hasShape(2),
        "[outputs] Expecting tensor of shape [2] but its shape is [1]");
  }
}
