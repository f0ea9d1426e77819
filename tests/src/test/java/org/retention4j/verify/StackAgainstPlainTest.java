package org.retention4j.verify;

import static org.retention4j.testkit.TensorAssert.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.reference.ReferenceMath;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.DecoderStack;
import org.retention4j.model.FrameSession;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.StackConfig;
import org.retention4j.model.Stacks;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.WeightSource;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/** Stacks over frames against plain float64 loops, layer by layer, at once and frame by frame. */
class StackAgainstPlainTest {
  static Stream<Arguments> cases() {
    return Stream.of(Engines.plain(), Engines.vector(), Engines.float64())
        .flatMap(
            engine ->
                Stacks.all().stream()
                    .flatMap(
                        config ->
                            Stream.of(1, 7, 65, 130).map(t -> Arguments.of(engine, config, t))));
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("cases")
  void equalsPlainFloat64(Engine engine, StackConfig config, int tokens) {
    DataType type = engine.dataType();
    INDArray frames = Tensors.gaussian(tokens, type, 1, tokens, config.modelWidth());
    WeightType weights =
        engine.type() == ElementType.FLOAT32 ? WeightType.FLOAT32 : WeightType.FLOAT64;
    try (DecoderStack stack = DecoderStack.random(engine, config, weights, 5)) {
      INDArray expected = plain(stack, frames.castTo(DataType.DOUBLE));
      Tolerance tolerance = Tolerance.block(type);
      assertThat(stack.forward(frames)).as("at once").isCloseTo(expected, tolerance);
      assertThat(frameByFrame(stack, frames)).as("by frames").isCloseTo(expected, tolerance);
    }
  }

  /** The plain layers, and the final norm by its weights as they are drawn last. */
  private static INDArray plain(DecoderStack stack, INDArray x) {
    INDArray hidden = x;
    for (DecoderLayer layer : stack.layers()) {
      hidden = ReferenceDecoder.layer(layer, hidden).output();
    }
    StackConfig config = stack.config();
    if (config.finalNorm().isEmpty()) {
      return hidden;
    }
    NormConfig norm = config.finalNorm().get();
    double[][] last = finalNorm(stack);
    double[][] rows = ReferenceMath.rows(hidden);
    for (double[] row : rows) {
      double mean = 0;
      for (int i = 0; i < row.length && norm.equals(NormConfig.LAYER); i++) {
        mean += row[i] / row.length;
      }
      double squares = 0;
      for (double value : row) {
        squares += (value - mean) * (value - mean) / row.length;
      }
      for (int i = 0; i < row.length; i++) {
        double shift = norm.bias() ? last[1][i] : 0;
        row[i] = (row[i] - mean) / Math.sqrt(squares + config.normEps()) * last[0][i] + shift;
      }
    }
    return ReferenceMath.array(rows, hidden.shape());
  }

  /** Draws what the stack drew, down to the last weights. */
  private static double[][] finalNorm(DecoderStack stack) {
    WeightSource source = WeightSource.random(Engines.float64(), WeightType.FLOAT64, 5);
    double[][] last = new double[2][];
    stack
        .config()
        .weights()
        .forEach(
            weight -> {
              if (weight.isMatrix()) {
                source.matrix(weight).close();
              } else if (weight.name().equals("norm")) {
                last[0] = source.vector(weight);
              } else {
                last[1] = source.vector(weight);
              }
            });
    return last;
  }

  private static INDArray frameByFrame(DecoderStack stack, INDArray frames) {
    int tokens = (int) frames.size(1);
    INDArray all = null;
    try (FrameSession session = stack.newSession(1, SessionOptions.DEFAULT)) {
      for (int t = 0; t < tokens; t++) {
        INDArray one = session.append(Tensors.copy(Tensors.tokens(frames, t, t + 1)));
        all = all == null ? one : Tensors.concatTokens(all, one);
      }
    }
    return all;
  }
}
