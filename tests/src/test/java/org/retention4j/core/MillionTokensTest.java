package org.retention4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.reference.ReferenceRetention;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Variant;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** fp32 against float64 over 1,048,576 tokens, in pieces of 65,536 with the state handed on. */
@Tag("slow")
class MillionTokensTest {
  private static final int PIECE = 65_536;
  private static final int PIECES = 16;

  static List<Variant> variants() {
    return List.of(
        new Variant(Engines.plain(), new RecurrentForm()),
        new Variant(Engines.vector(), new RecurrentForm()),
        new Variant(Engines.plain(), new ChunkwiseForm()),
        new Variant(Engines.vector(), new ChunkwiseForm()));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void errorsDoNotGrow(Variant variant) {
    LogDecay decay =
        DecaySchedule.custom(1 - 1.0 / 32, 1 - 1.0 / 512, 1 - 1.0 / 3000, 1 - 1.0 / 4096)
            .logDecay();
    Tolerance tolerance = Tolerance.reference(DataType.FLOAT, true, (long) PIECES * PIECE);
    RetentionState state = RetentionState.zeros(variant.engine(), 1, 4, 8, 8);
    INDArray expectedState = Nd4j.zeros(DataType.DOUBLE, 1, 4, 8, 8);
    double[] errors = new double[PIECES];
    for (int i = 0; i < PIECES; i++) {
      INDArray q = Tensors.gaussian(3L * i, DataType.FLOAT, 1, PIECE, 4, 8);
      INDArray k = Tensors.gaussian(3L * i + 1, DataType.FLOAT, 1, PIECE, 4, 8);
      INDArray v = Tensors.gaussian(3L * i + 2, DataType.FLOAT, 1, PIECE, 4, 8);
      RetentionCall call = RetentionCall.of(q, k, v, decay).withScale(0.35);
      INDArray output = new RetentionCore(variant.engine(), variant.form()).advance(call, state);
      ReferenceRetention.Result expected = ReferenceRetention.advance(call, expectedState);
      expectedState = expected.state();
      assertThat(output).isCloseTo(expected.output(), tolerance);
      assertThat(state.toArray()).isStateCloseTo(expectedState, tolerance);
      errors[i] = relativeError(output, expected.output());
    }
    assertThat(state.position(0)).isEqualTo(1_048_576);
    // No trend: a random walk of the error would make the last pieces 2 to 4 times the first.
    double early = (errors[1] + errors[2] + errors[3] + errors[4]) / 4;
    double late = (errors[12] + errors[13] + errors[14] + errors[15]) / 4;
    assertThat(late).isLessThan(1.25 * early);
  }

  private static double relativeError(INDArray actual, INDArray expected) {
    double[] a = Tensors.flat(actual);
    double[] b = Tensors.flat(expected);
    double error = 0;
    double size = 0;
    for (int i = 0; i < a.length; i++) {
      error += (a[i] - b[i]) * (a[i] - b[i]);
      size += b[i] * b[i];
    }
    return Math.sqrt(error / size);
  }
}
