package org.retention4j.model;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.attention.AttentionMixer;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * Attention beyond position 100,000, against plain float64 with an angle of its own for every
 * position. An angle in fp32 is off by 0.004 there, and so would its outputs be.
 */
class FarPositionsTest {
  private static final int D = 8;
  private static final int HIDDEN = 6;
  private static final int WINDOW = 30;

  /** Where the compared tokens begin, and how many of them there are. */
  private static final int FROM = 100_003;

  private static final int COMPARED = 500;

  /** Tokens of a call. */
  private static final int PIECE = 5_000;

  private static double[] ones() {
    double[] ones = new double[D];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static INDArray tokens(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all()).dup('c');
  }

  /** A window keeps it quick; the angles are those of the positions all the same. */
  @ParameterizedTest
  @CsvSource({"FLOAT64, PLAIN, 1e-10, 10000", "FLOAT32, VECTOR, 2e-6, 500"})
  void attentionIsExactAtFarPositions(
      ElementType type, ComputeRoute provider, double bound, double base) {
    AttentionConfig config = new AttentionConfig(D, 2, 1, 4, base, WINDOW, false);
    DataType data = NdArrays.dataType(type);
    INDArray x = Tensors.gaussian(3, DataType.FLOAT, 1, FROM + COMPARED, D).castTo(data);
    try (Engine engine = Engine.create(type, 2, provider);
        DecoderLayer layer =
            new DecoderLayer(
                engine,
                AttentionMixer.random(engine, config, WeightType.FLOAT32, 5),
                FeedForward.random(engine, D, HIDDEN, WeightType.FLOAT32, 6),
                ones(),
                ones(),
                1e-6);
        MixerState memory = layer.mixer().newState(1, FROM + COMPARED)) {
      for (int from = 0; from < FROM; from += PIECE) {
        run(layer, memory, tokens(x, from, Math.min(FROM, from + PIECE)));
      }
      INDArray actual = run(layer, memory, tokens(x, FROM, FROM + COMPARED));
      TensorAssert.assertThat(actual)
          .isCloseTo(expected(config, x), Tolerance.of("far positions", bound));
    }
  }

  private static INDArray run(DecoderLayer layer, MixerState memory, INDArray x) {
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    try (BoundLayer bound = layer.bind(new RecurrentForm(), x, memory, y)) {
      bound.step();
    }
    return y;
  }

  /** What is before the window does not count. */
  private static INDArray expected(AttentionConfig config, INDArray x) {
    int from = FROM - WINDOW;
    double[][] seen =
        tokens(x, from, FROM + COMPARED)
            .castTo(DataType.DOUBLE)
            .reshape(COMPARED + WINDOW, D)
            .toDoubleMatrix();
    double[][] y =
        new PlainTransformerLayer(config, 5, HIDDEN, 6, ones(), ones(), 1e-6).forward(seen, from);
    return Nd4j.createFromArray(Arrays.copyOfRange(y, WINDOW, y.length)).reshape(1, COMPARED, D);
  }
}
