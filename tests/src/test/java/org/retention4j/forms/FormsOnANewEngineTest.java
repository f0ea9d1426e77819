package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** What a form prepares on an engine that has not seen it, and what reports call it. */
class FormsOnANewEngineTest {
  private static final int TOKENS = 9;

  static List<RetentionForm> forms() {
    return List.of(new RecurrentForm(), new ParallelForm(4), new ChunkwiseForm(4));
  }

  /** Engines keep what was prepared; the ones that suites share would hide a form that does not. */
  @ParameterizedTest
  @MethodSource("forms")
  void preparesItsKernels(RetentionForm form) {
    FormCall call =
        FormCall.of(
            Tensors.gaussian(1, DataType.DOUBLE, 1, TOKENS, 2, 4),
            Tensors.gaussian(2, DataType.DOUBLE, 1, TOKENS, 2, 4),
            Tensors.gaussian(3, DataType.DOUBLE, 1, TOKENS, 2, 6),
            LogDecay.perHead(-0.1, -0.01),
            0.5,
            Tensors.gaussian(4, DataType.DOUBLE, 1, 2, 4, 6));
    try (Engine engine = Engine.create(ElementType.FLOAT64, 2, ComputeRoute.PLAIN)) {
      FormResult result = new Variant(engine, form).advance(call);
      Tolerance tolerance = Tolerance.reference(DataType.DOUBLE, true, TOKENS);
      assertThat(result.output()).isCloseTo(call.reference().output(), tolerance);
      assertThat(result.state()).isStateCloseTo(call.reference().state(), tolerance);
    }
  }

  @Test
  void namesItself() {
    assertThat(forms())
        .extracting(RetentionForm::name)
        .containsExactly("recurrent", "parallel", "chunkwise");
  }
}
