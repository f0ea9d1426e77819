package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.attention.AttentionMixer;
import org.retention4j.model.mixer.retention.RetentionMixer;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.testkit.Tensors;

/** A small decoder layer, its engine, and what it gives in plain float64. */
abstract class LayerFixture {
  static final int D = 24;
  static final int HIDDEN = 40;
  static final double EPS = 1e-6;

  /** Of retention; attention takes no notice. */
  static final SequenceForm FORM = new ChunkwiseForm(16);

  Engine engine;

  @AfterEach
  void close() {
    if (engine != null) {
      engine.close();
    }
  }

  void engine(ElementType type, ComputeRoute route) {
    engine = Engine.create(type, 2, route);
  }

  static double[] norm(int from) {
    double[] weight = new double[D];
    for (int i = 0; i < D; i++) {
      weight[i] = (float) (0.75 + 0.01 * ((i * 7 + from) % 50));
    }
    return weight;
  }

  DecoderLayer attention(AttentionConfig config) {
    return layer(AttentionMixer.random(engine, config, WeightType.FLOAT32, 5));
  }

  DecoderLayer layer(TokenMixer mixer) {
    FeedForward ffn = FeedForward.random(engine, D, HIDDEN, WeightType.FLOAT32, 6);
    return new DecoderLayer(engine, mixer, ffn, norm(1), norm(2), EPS);
  }

  RetentionMixer retention() {
    RetentionConfig config = RetentionConfig.builder(D, 2).keyWidth(8).valueWidth(10).build();
    return new RetentionMixer(RetentionWeights.random(engine, config, WeightType.FLOAT32, 5));
  }

  INDArray x(int batch, int tokens) {
    return Tensors.gaussian(3, DataType.FLOAT, batch, tokens, D).castTo(engine.dataType());
  }

  static INDArray run(DecoderLayer layer, MixerState memory, INDArray x) {
    return run(FORM, layer, memory, x);
  }

  static INDArray run(SequenceForm form, DecoderLayer layer, MixerState memory, INDArray x) {
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    try (BoundLayer bound = layer.bind(form, x, memory, y)) {
      bound.step();
    }
    return y;
  }

  static INDArray tokens(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }

  static INDArray plain(AttentionConfig config, INDArray x) {
    PlainTransformerLayer plain =
        new PlainTransformerLayer(config, 5, HIDDEN, 6, norm(1), norm(2), EPS);
    INDArray y = Nd4j.create(DataType.DOUBLE, x.shape());
    for (int b = 0; b < x.size(0); b++) {
      double[][] row =
          plain.forward(x.tensorAlongDimension(b, 1, 2).castTo(DataType.DOUBLE).toDoubleMatrix());
      y.tensorAlongDimension(b, 1, 2).assign(Nd4j.createFromArray(row));
    }
    return y;
  }

  static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }
}
