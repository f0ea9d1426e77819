package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tolerance;

/** Decoder layers with either mixer, against plain float64 and against themselves at splits. */
class DecoderLayerTest extends LayerFixture {
  @ParameterizedTest
  @CsvSource({
    "FLOAT64, PLAIN, 4",
    "FLOAT64, PLAIN, 2",
    "FLOAT32, PLAIN, 4",
    "FLOAT32, PLAIN, 1",
    "FLOAT32, VECTOR, 4",
    "FLOAT32, VECTOR, 2"
  })
  void attentionEqualsPlainFloat64(ElementType type, ComputeRoute provider, int kvHeads) {
    engine(type, provider);
    AttentionConfig config = new AttentionConfig(D, 4, kvHeads, 6, 10_000);
    // Longer than a block of keys, than a block of queries, and no multiple of either.
    for (int tokens : new int[] {1, 7, 255, 257, 530}) {
      try (DecoderLayer layer = attention(config);
          MixerState memory = layer.mixer().newState(2, tokens)) {
        INDArray x = x(2, tokens);
        TensorAssert.assertThat(run(layer, memory, x))
            .isCloseTo(plain(config, x), Tolerance.block(NdArrays.dataType(type)));
        assertThat(memory.position(1)).isEqualTo(tokens);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT64, PLAIN, true", "FLOAT32, PLAIN, true", "FLOAT32, VECTOR, true",
    "FLOAT64, PLAIN, false", "FLOAT32, PLAIN, false", "FLOAT32, VECTOR, false"
  })
  void anySplitGivesTheSame(ElementType type, ComputeRoute provider, boolean attends) {
    engine(type, provider);
    INDArray x = x(2, 270);
    try (DecoderLayer layer =
        attends ? attention(new AttentionConfig(D, 4, 2, 6, 10_000)) : layer(retention())) {
      INDArray whole = run(layer, layer.mixer().newState(2, 270), x);
      for (int split : new int[] {1, 63, 256, 269}) {
        MixerState memory = layer.mixer().newState(2, 270);
        INDArray first = run(layer, memory, tokens(x, 0, split));
        INDArray rest = run(layer, memory, tokens(x, split, 270));
        TensorAssert.assertThat(Nd4j.concat(1, first, rest))
            .isCloseTo(whole, Tolerance.block(NdArrays.dataType(type)));
      }
    }
  }

  /** What a window hides is dropped once no token and no mark can come back to it. */
  @ParameterizedTest
  @CsvSource({"FLOAT64, PLAIN", "FLOAT32, PLAIN", "FLOAT32, VECTOR"})
  void aWindowBoundsTheMemory(ElementType type, ComputeRoute provider) {
    engine(type, provider);
    AttentionConfig config =
        new AttentionConfig(D, 4, 2, 6, 10_000, 300, false); // no multiple of a block
    INDArray x = x(1, 1800);
    INDArray expected = plain(config, x);
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, KvCacheOptions.DEFAULT.withMaxTokens(1800))) {
      long most = 0;
      INDArray y = Nd4j.create(NdArrays.dataType(type), 1, 1800, D);
      for (int t = 0; t < 1800; ) {
        int end = Math.min(1800, t < 900 ? t + 150 : t < 930 ? t + 1 : t + 87);
        INDArray piece = run(layer, memory, tokens(x, t, end));
        y.get(NDArrayIndex.all(), NDArrayIndex.interval(t, end), NDArrayIndex.all()).assign(piece);
        t = end;
        most = Math.max(most, memory.bytes());
      }
      TensorAssert.assertThat(y).isCloseTo(expected, Tolerance.block(NdArrays.dataType(type)));
      // 300 seen tokens and 150 new ones touch at most three blocks of 256.
      long block = 2L * 2 * 6 * 256 * type.bytes();
      assertThat(most).isEqualTo(3 * block);
      assertThat(memory.formulaBytes()).isEqualTo(2L * 2 * 6 * 300 * type.bytes());
      try (MixerState copy = memory.select(0)) {
        assertThat(copy.bytes()).isLessThanOrEqualTo(3 * block);
      }
    }
  }

  @Test
  void aMarkKeepsWhatAWindowNeedsToComeBack() {
    engine(ElementType.FLOAT32, ComputeRoute.VECTOR);
    AttentionConfig config = new AttentionConfig(D, 4, 2, 6, 10_000, 20, false);
    INDArray x = x(1, 900);
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, KvCacheOptions.DEFAULT.withMaxTokens(2000))) {
      run(layer, memory, tokens(x, 0, 250));
      MixerState.Mark mark = memory.mark();
      INDArray once = run(layer, memory, tokens(x, 250, 900));
      memory.rollback(mark);
      assertThat(memory.position(0)).isEqualTo(250);
      INDArray again = run(layer, memory, tokens(x, 250, 900));
      assertThat(again).isEqualTo(once);
      mark.close();
      run(layer, memory, tokens(x, 0, 1));
      refuses(() -> memory.rollback(mark), "open mark");
      refuses(() -> memory.fillRandom(1, 5), "no tokens were dropped", "5");
    }
  }

  /** A value that was rolled back lies in the cache still; 0·NaN must not bring it back. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void whatWasRolledBackHasNoEffectThoughItBeNaN(ElementType type) {
    engine(type, ComputeRoute.PLAIN);
    AttentionConfig config =
        new AttentionConfig(D, 4, 2, 6, 10_000, AttentionConfig.UNBOUNDED, false);
    INDArray x = x(1, 40);
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, KvCacheOptions.DEFAULT)) {
      run(layer, memory, tokens(x, 0, 10));
      try (MixerState.Mark mark = memory.mark()) {
        run(layer, memory, Nd4j.valueArrayOf(new long[] {1, 30, D}, Double.NaN, x.dataType()));
        memory.rollback(mark);
        INDArray y = run(layer, memory, tokens(x, 10, 30));
        TensorAssert.assertThat(y)
            .isCloseTo(
                tokens(plain(config, x), 10, 30).dup(), Tolerance.block(NdArrays.dataType(type)));
      }
    }
  }

  @Test
  void aLayerIsBoundInAnyForm() {
    engine(ElementType.FLOAT64, ComputeRoute.PLAIN);
    INDArray x = x(1, 40);
    try (DecoderLayer layer = layer(retention())) {
      TensorAssert.assertThat(run(layer, layer.mixer().newState(1, 40), x))
          .isCloseTo(
              run(new RecurrentForm(), layer, layer.mixer().newState(1, 40), x),
              Tolerance.block(DataType.DOUBLE));
    }
  }

  /** A form that is none of retention's. */
  private record Foreign(String name) implements SequenceForm {
    @Override
    public MicroBatches microBatches() {
      return MicroBatches.FULL;
    }
  }

  @Test
  void retentionRefusesAFormOfAnotherMixer() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    Foreign foreign = new Foreign("sorted");
    INDArray x = x(1, 3);
    try (DecoderLayer retains = layer(retention());
        DecoderLayer attends = attention(new AttentionConfig(D, 4, 2, 6, 10_000))) {
      MixerState state = retains.mixer().newState(1, 8);
      long before = HeldMemory.liveBytes();
      refuses(() -> run(foreign, retains, state, x), "form of retention", "sorted");
      refuses(() -> retains.bindMixer(foreign, x, state, x(1, 3)), "form of retention", "sorted");
      assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
      assertThat(run(foreign, attends, attends.mixer().newState(1, 8), x))
          .isEqualTo(run(attends, attends.mixer().newState(1, 8), x));
    }
  }

  @Test
  void aFormThatFailsLeavesNothingBehind() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    INDArray x = x(2, 3);
    try (DecoderLayer layer = layer(retention());
        MixerState state = layer.mixer().newState(2, 8)) {
      long before = HeldMemory.liveBytes();
      UnreadyForm form = new UnreadyForm("unready");
      assertThatIllegalStateException().isThrownBy(() -> layer.bind(form, x, state, x(2, 3)));
      assertThatIllegalStateException().isThrownBy(() -> layer.bindMixer(form, x, state, x(2, 3)));
      assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
    }
  }

  @Test
  void countsParametersAndMemoryByFormula() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    try (DecoderLayer layer = attention(new AttentionConfig(D, 4, 2, 6, 10_000));
        MixerState memory = layer.mixer().newState(3, 300)) {
      // W_Q 24x24, W_K and W_V 12x24, W_O 24x24, feed-forward 3·24·40, two norms.
      assertThat(layer.parameters()).isEqualTo(576 + 2 * 288 + 576 + 2880 + 48);
      memory.fillRandom(1, 10);
      assertThat(memory.position(2)).isEqualTo(10);
      assertThat(memory.formulaBytes()).isEqualTo(2L * 2 * 6 * 30 * 4);
      // 300 tokens are two blocks of 256.
      assertThat(memory.bytes()).isEqualTo(2L * 2 * 6 * 512 * 3 * 4);
    }
  }

  @Test
  void refusesAMemoryThatDoesNotFitAndLeavesItAlone() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    AttentionConfig config = new AttentionConfig(D, 4, 2, 6, 10_000);
    try (DecoderLayer attends = attention(config);
        DecoderLayer retains = layer(retention())) {
      MixerState cache = attends.mixer().newState(1, 8);
      refuses(() -> run(attends, cache, x(1, 9)), "at most 8", "got 9");
      run(attends, cache, x(1, 8));
      refuses(() -> run(attends, cache, x(1, 1)), "at most 8", "got 9");
      assertThat(cache.position(0)).isEqualTo(8);
      refuses(() -> run(attends, cache, x(2, 1)), "batch 2");
      refuses(
          () -> run(attends, retains.mixer().newState(1, 8), x(1, 1)), "key/value cache", "got");
      refuses(() -> run(retains, cache, x(1, 1)), "retention mixer", "got a key/value cache");
      refuses(() -> run(retains, retains.mixer().newState(2, 8), x(1, 1)), "batch 1", "batch 2");
      refuses(() -> cache.fillRandom(1, 9), "0..8", "9");
      cache.close();
      refuses(() -> run(attends, cache, x(1, 1)), "open cache");
      MixerState state = retains.mixer().newState(1, 8);
      state.close();
      refuses(() -> run(retains, state, x(1, 1)), "open state");
    }
  }

  @Test
  void refusesArraysThatDoNotFit() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    try (DecoderLayer layer = layer(retention());
        MixerState memory = layer.mixer().newState(1, 8)) {
      INDArray x = x(1, 3);
      refuses(() -> layer.bind(FORM, x.reshape(3, D), memory, x), "(B,T,24)", "[3, 24]");
      refuses(() -> layer.bind(FORM, x, memory, x(1, 4)), "[1, 3, 24]", "[1, 4, 24]");
      refuses(() -> layer.bind(FORM, x.castTo(DataType.DOUBLE), memory, x), "FLOAT", "DOUBLE");
      BoundLayer bound = layer.bind(FORM, x, memory, x(1, 3));
      bound.close();
      assertThatIllegalStateException().isThrownBy(bound::step).withMessageContaining("closed");
    }
    refuses(() -> new AttentionConfig(D, 4, 3, 6, 10_000), "kvHeads", "3");
    refuses(() -> new AttentionConfig(D, 4, 2, 5, 10_000), "even head width", "5");
  }

  @Test
  void theNormsOfALayerHaveItsWidth() {
    engine(ElementType.FLOAT32, ComputeRoute.PLAIN);
    FeedForward ffn = FeedForward.random(engine, D, HIDDEN, WeightType.FLOAT32, 6);
    refuses(
        () -> new DecoderLayer(engine, retention(), ffn, new double[3], norm(2), EPS),
        "width 24",
        "norms 3 and 24");
  }
}
