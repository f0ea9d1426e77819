package org.retention4j.forms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.retention4j.testkit.TensorAssert.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateConvention;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.BackwardCall;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Products whose operands are rounded to bf16, against the float64 reference. */
class RoundedFormTest {
  /** The most that rounding to bf16 changes a number by, of it. */
  private static final double ROUNDING = 0x1p-9;

  /**
   * A product has two operands; each is rounded when it is loaded and when it is decayed, and what
   * a sum of products of either sign comes to may be half of what it would be with one.
   */
  private static final Tolerance ROUNDED = Tolerance.of("operands in bf16", 2 * 2 * 2 * ROUNDING);

  /** What fp32 stays far below: more says that something was rounded. */
  private static final double LEAST = ROUNDING / 16;

  /** Smaller heads are not rounded where the Vector API multiplies them. */
  private static final int KEY_WIDTH = 44;

  private static final int VALUE_WIDTH = 72;

  private static BackwardCall call(int tokens, LogDecay decay) {
    FormCall forward =
        FormCall.of(
                Tensors.gaussian(1, DataType.FLOAT, 2, tokens, 2, KEY_WIDTH),
                Tensors.gaussian(2, DataType.FLOAT, 2, tokens, 1, KEY_WIDTH),
                Tensors.gaussian(3, DataType.FLOAT, 2, tokens, 1, VALUE_WIDTH),
                decay,
                0.25,
                Tensors.gaussian(4, DataType.FLOAT, 2, 2, KEY_WIDTH, VALUE_WIDTH))
            .withLengths(tokens, Math.max(1, tokens - 9));
    return new BackwardCall(
        forward,
        Tensors.gaussian(5, DataType.FLOAT, 2, tokens, 2, VALUE_WIDTH),
        Tensors.gaussian(6, DataType.FLOAT, 2, 2, KEY_WIDTH, VALUE_WIDTH));
  }

  private static LogDecay constant() {
    return LogDecay.perHead(-0.03, -0.2);
  }

  private static Engine engine(ComputeRoute route) {
    Engine engine = Engines.of(ElementType.FLOAT32, route);
    assumeTrue(engine.multipliesBfloat16(), "this processor multiplies bf16");
    return engine;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 63, 64, 65, 130})
  void outputsStatesAndGradientsAreThoseOfTheReference(int tokens) {
    for (ComputeRoute route : ComputeRoute.values()) {
      Variant rounded = new Variant(engine(route), new ChunkwiseForm().bfloat16());
      FormCall call = call(tokens, constant()).forward();
      FormResult expected = call.reference();
      FormResult result = rounded.advance(call);
      assertThat(result.output()).isCloseTo(expected.output(), ROUNDED);
      assertThat(result.state()).isStateCloseTo(expected.state(), ROUNDED);
      assertGradients(rounded, call(tokens, constant()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void ofPackedRowsAndDecaysPerTokenToo(ComputeRoute route) {
    Variant rounded = new Variant(engine(route), new ChunkwiseForm(16).bfloat16());
    BackwardCall plain = call(65, constant());
    Resets resets = Resets.cumulative(new int[] {0, 5, 16, 40, 65}, new int[] {0, 33, 65});
    assertGradients(rounded, plain.withForward(plain.forward().withResets(resets)));
    INDArray decays = Tensors.gaussian(7, DataType.FLOAT, 2, 65, 2);
    for (long i = 0; i < decays.length(); i++) {
      decays.putScalar(i, -0.2 * Math.abs(decays.getDouble(i)));
    }
    assertGradients(rounded, call(65, LogDecay.perToken(decays)));
  }

  private static void assertGradients(Variant rounded, BackwardCall call) {
    RetentionCore.Gradient expected = call.reference();
    RetentionCore.Gradient gradient = gradient(rounded, call);
    assertThat(gradient.q()).isCloseTo(expected.q(), ROUNDED);
    assertThat(gradient.k()).isCloseTo(expected.k(), ROUNDED);
    assertThat(gradient.v()).isCloseTo(expected.v(), ROUNDED);
    assertThat(gradient.initialState()).isStateCloseTo(expected.initialState(), ROUNDED);
  }

  private static RetentionCore.Gradient gradient(Variant variant, BackwardCall call) {
    FormCall forward = call.forward();
    try (RetentionState state =
        RetentionState.of(variant.engine(), forward.state(), new long[2], StateConvention.PLAIN)) {
      return new RetentionCore(variant.engine(), variant.form())
          .backward(forward.call(), state, call.dOutput(), call.dState());
    }
  }

  /** Were nothing rounded, nobody would be told. */
  @ParameterizedTest
  @EnumSource
  void somethingIsRounded(ComputeRoute route) {
    Engine engine = engine(route);
    BackwardCall call = call(130, constant());
    Variant rounded = new Variant(engine, new ChunkwiseForm().bfloat16());
    Variant wide = new Variant(engine, new ChunkwiseForm());
    assertThat(
            apart(rounded.advance(call.forward()).output(), wide.advance(call.forward()).output()))
        .isGreaterThan(LEAST);
    assertThat(apart(gradient(rounded, call).k(), gradient(wide, call).k())).isGreaterThan(LEAST);
  }

  private static double apart(INDArray a, INDArray b) {
    return a.sub(b).norm2Number().doubleValue() / b.norm2Number().doubleValue();
  }

  /** A NaN whose rounding would carry into its sign, in the middle of a chunk. */
  @ParameterizedTest
  @EnumSource
  void whatIsNoNumberIsNotSeenBeforeItStands(ComputeRoute route) {
    Variant rounded = new Variant(engine(route), new ChunkwiseForm().bfloat16());
    FormCall call = call(40, constant()).forward();
    INDArray v = call.v().dup();
    v.putScalar(new int[] {0, 30, 0, 3}, Float.intBitsToFloat(0x7fffffff));
    INDArray output = rounded.advance(call.withV(v)).output();
    assertThat(Tensors.tokens(output, 0, 30))
        .isCloseTo(Tensors.tokens(call.reference().output(), 0, 30), ROUNDED);
    assertThat(output.getFloat(0, 30, 0, 3)).isNaN();
  }

  @Test
  void float64AndOtherFormsRoundNothing() {
    FormCall call = call(65, constant()).forward();
    for (RetentionForm form :
        new RetentionForm[] {new ParallelForm(), new RecurrentForm(), new ParallelForm(7)}) {
      assertThat(form.bfloat16()).isSameAs(form);
    }
    FormCall wide =
        FormCall.of(
            call.q().castTo(DataType.DOUBLE),
            call.k().castTo(DataType.DOUBLE),
            call.v().castTo(DataType.DOUBLE),
            call.decay(),
            call.scale(),
            call.state().castTo(DataType.DOUBLE));
    Variant rounded = new Variant(Engines.float64(), new ChunkwiseForm().bfloat16());
    assertThat(rounded.advance(wide).output())
        .isEqualTo(new Variant(Engines.float64(), new ChunkwiseForm()).advance(wide).output());
  }
}
