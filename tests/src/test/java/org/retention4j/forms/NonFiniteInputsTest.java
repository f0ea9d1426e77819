package org.retention4j.forms;

import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** A key or a value that is no number, in the middle of a chunk: seen by nothing before it. */
class NonFiniteInputsTest {
  private static final int TOKENS = 11;

  /** In the second chunk or block of four, and not the first in it. */
  private static final int SPOILT = 6;

  private static final FormCall CALL =
      FormCall.of(
          Tensors.gaussian(1, DataType.DOUBLE, 1, TOKENS, 2, 4),
          Tensors.gaussian(2, DataType.DOUBLE, 1, TOKENS, 2, 4),
          Tensors.gaussian(3, DataType.DOUBLE, 1, TOKENS, 2, 6),
          LogDecay.perHead(-0.1, -0.01),
          0.5,
          Tensors.gaussian(4, DataType.DOUBLE, 1, 2, 4, 6));

  static Stream<Arguments> formsAndValues() {
    return Stream.<RetentionForm>of(
            new RecurrentForm(), new ParallelForm(4), new ChunkwiseForm(4), new ChunkwiseForm(64))
        .flatMap(
            form ->
                Stream.of(Double.NaN, Double.NEGATIVE_INFINITY)
                    .map(value -> Arguments.of(form, value)));
  }

  private static INDArray spoilt(INDArray array, double value) {
    INDArray copy = array.dup();
    copy.putScalar(new int[] {0, SPOILT, 1, 2}, value);
    return copy;
  }

  @ParameterizedTest
  @MethodSource("formsAndValues")
  void isNotSeenBeforeItStands(RetentionForm form, double value) {
    FormResult expected = CALL.reference();
    Tolerance tolerance = Tolerance.reference(DataType.DOUBLE, true, TOKENS);
    for (FormCall call :
        List.of(CALL.withK(spoilt(CALL.k(), value)), CALL.withV(spoilt(CALL.v(), value)))) {
      FormResult result = new Variant(Engines.float64(), form).advance(call);
      assertThat(Tensors.tokens(result.output(), 0, SPOILT))
          .isCloseTo(Tensors.tokens(expected.output(), 0, SPOILT), tolerance);
      // The other head has numbers of its own.
      assertThat(head(result.output(), 0)).isCloseTo(head(expected.output(), 0), tolerance);
    }
  }

  private static INDArray head(INDArray output, int head) {
    return Nd4j.toFlattened(
        'c',
        output.get(
            NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(head), NDArrayIndex.all()));
  }

  /** A value that is infinite in one column leaves the others of its head what they are. */
  @ParameterizedTest
  @MethodSource("formsAndValues")
  void aValueReachesItsColumnOnly(RetentionForm form, double value) {
    FormResult expected = CALL.reference();
    Tolerance tolerance = Tolerance.reference(DataType.DOUBLE, true, TOKENS);
    FormResult result =
        new Variant(Engines.float64(), form).advance(CALL.withV(spoilt(CALL.v(), value)));
    for (int column : new int[] {0, 1, 3, 4, 5}) {
      assertThat(column(result.output(), column))
          .isCloseTo(column(expected.output(), column), tolerance);
    }
  }

  private static INDArray column(INDArray output, int column) {
    return Nd4j.toFlattened(
        'c',
        output.get(
            NDArrayIndex.all(),
            NDArrayIndex.all(),
            NDArrayIndex.all(),
            NDArrayIndex.point(column)));
  }
}
