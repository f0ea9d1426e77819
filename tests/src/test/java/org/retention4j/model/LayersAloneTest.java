package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.nn.Init;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tolerance;

/** Parts of a stack used by themselves: heads, mixers, and states filled for measuring. */
class LayersAloneTest extends LayerFixture {
  private static final AttentionConfig ATTENTION = new AttentionConfig(D, 4, 2, 6, 10_000);

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void aHeadNormsAndMultiplies(ElementType type) {
    engine(type, ComputeRoute.best());
    int vocabulary = 29;
    double[][] matrix = new double[vocabulary][D];
    MatrixSource source = Init.uniform(new SplittableRandom(7), vocabulary, D);
    for (int v = 0; v < vocabulary; v++) {
      source.read(v, matrix[v]);
    }
    INDArray x = x(2, 5);
    INDArray expected = Nd4j.create(DataType.DOUBLE, 2, 5, vocabulary);
    for (int b = 0; b < 2; b++) {
      for (int t = 0; t < 5; t++) {
        double squares = 0;
        for (int i = 0; i < D; i++) {
          squares += x.getDouble(b, t, i) * x.getDouble(b, t, i);
        }
        double scale = 1 / Math.sqrt(squares / D + EPS);
        for (int v = 0; v < vocabulary; v++) {
          double sum = 0;
          for (int i = 0; i < D; i++) {
            sum += matrix[v][i] * x.getDouble(b, t, i) * scale * norm(3)[i];
          }
          expected.putScalar(new int[] {b, t, v}, sum);
        }
      }
    }
    PackedMatrix packed =
        engine.pack(Init.uniform(new SplittableRandom(7), vocabulary, D), type(type));
    long before = HeldMemory.liveBytes();
    try (LmHead head = new LmHead(engine, norm(3), EPS, packed)) {
      TensorAssert.assertThat(head.logits(x))
          .isCloseTo(expected, Tolerance.block(NdArrays.dataType(type)));
      assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
    }
  }

  private static WeightType type(ElementType type) {
    return type == ElementType.FLOAT64 ? WeightType.FLOAT64 : WeightType.FLOAT32;
  }

  /** Steps of several micro-batches, of every kind of mixer, alone and in its layer. */
  @Test
  void whatIsBoundSaysWhoMultipliesAndLeavesNothingBehind() {
    engine(ElementType.FLOAT32, ComputeRoute.best());
    for (DecoderLayer layer : List.of(layer(retention()), attention(ATTENTION))) {
      try (layer;
          MixerState state = layer.mixer().newState(2, 600)) {
        INDArray x = x(2, 3);
        List<Long> left = new ArrayList<>();
        for (int round = 0; round < 5; round++) {
          long before = HeldMemory.liveBytes();
          bindBoth(layer, state, x);
          left.add(HeldMemory.liveBytes() - before);
        }
        // A lane that had no work yet may still grow its scratch; what is left behind always is.
        assertThat(left).as("bytes left behind, round by round").contains(0L);
      }
    }
  }

  private void bindBoth(DecoderLayer layer, MixerState state, INDArray x) {
    List<String> names = new ArrayList<>();
    try (BoundLayer whole = layer.bind(FORM, x, state, x(2, 3));
        BoundLayer alone = layer.bindMixer(FORM, x, state, x(2, 3))) {
      whole.step();
      alone.step();
      names.add(whole.implementation());
      names.add(alone.implementation());
    }
    assertThat(names).doesNotContain("").allSatisfy(n -> assertThat(n).doesNotContain("ref"));
  }

  @Test
  void aMixerAloneIsCheckedAsItsLayerIs() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    INDArray x = x(1, 3);
    DecoderLayer layer = layer(retention());
    try (MixerState state = layer.mixer().newState(1, 8)) {
      refuses(() -> layer.bindMixer(FORM, x, state, x(1, 4)), "[1, 3, 24]", "[1, 4, 24]");
      layer.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> layer.bindMixer(FORM, x, state, x(1, 3)))
          .withMessageContaining("closed");
      assertThatIllegalStateException()
          .isThrownBy(() -> layer.bind(FORM, x, state, x(1, 3)))
          .withMessageContaining("closed");
    }
  }

  @Test
  void aFeedForwardTellsItsActivation() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    try (FeedForward plain = FeedForward.random(engine, D, HIDDEN, WeightType.FLOAT32, 6)) {
      assertThat(plain.activation()).isEqualTo(Activation.SILU);
    }
  }

  /** Numbers in -1..1, so that what is measured at a depth is no special case. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void statesOfRetentionAreFilledWithSeededNumbers(ElementType type) {
    engine(type, ComputeRoute.PLAIN);
    try (DecoderLayer layer = layer(retention());
        MixerState state = layer.mixer().newState(3, 8)) {
      state.fillRandom(1, 10);
      double[] one = values(state);
      assertThat(one).hasSize(3 * 2 * 8 * 10).doesNotHaveDuplicates();
      assertThat(Arrays.stream(one)).allSatisfy(x -> assertThat(x).isBetween(-1.0, 1.0));
      // The mean of n numbers of variance 1/3 is this near to 0 but in one of 10^8 cases.
      assertThat(Math.abs(Nd4j.createFromArray(one).meanNumber().doubleValue()))
          .isLessThan(6 * Math.sqrt(1 / 3.0 / one.length));
      state.fillRandom(1, 12);
      assertThat(values(state)).isEqualTo(one);
      assertThat(state.position(2)).isEqualTo(12);
      state.fillRandom(2, 12);
      assertThat(values(state)).isNotEqualTo(one);
      assertThat(state.toString()).contains("retention mixer", "HALF");
    }
  }

  private static double[] values(MixerState state) {
    return state.toArray().orElseThrow().castTo(DataType.DOUBLE).reshape(-1).toDoubleVector();
  }

  /**
   * Seen through the identity: an output is a mean of the values that the cache was filled with.
   */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void cachesAreFilledWithSeededNumbers(ElementType type) {
    engine(type, ComputeRoute.PLAIN);
    INDArray x = x(1, 1);
    try (DecoderLayer layer = attention(ATTENTION);
        MixerState cache = layer.mixer().newState(1, 600)) {
      INDArray one = filled(layer, cache, 1, 300, x);
      assertThat(cache.position(0)).isEqualTo(301);
      assertThat(filled(layer, cache, 1, 300, x)).isEqualTo(one);
      assertThat(filled(layer, cache, 2, 300, x)).isNotEqualTo(one);
      assertThat(filled(layer, cache, 1, 299, x)).isNotEqualTo(one);
      INDArray empty = filled(layer, cache, 1, 0, x);
      assertThat(empty).isNotEqualTo(one);
      TensorAssert.assertThat(empty)
          .isCloseTo(run(layer, layer.mixer().newState(1, 600), x), Tolerance.block(x.dataType()));
    }
  }

  private INDArray filled(DecoderLayer layer, MixerState cache, int seed, int depth, INDArray x) {
    cache.fillRandom(seed, depth);
    return run(layer, cache, x);
  }
}
