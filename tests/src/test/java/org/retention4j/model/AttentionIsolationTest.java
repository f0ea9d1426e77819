package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tolerance;

/** What a token must not see, though it lie in the same piece or the same block of a cache. */
class AttentionIsolationTest extends LayerFixture {
  private static final int POISONED = 310;

  private INDArray poisoned(int tokens) {
    INDArray x = x(1, tokens);
    x.putScalar(0, POISONED, 3, Double.NaN);
    return x;
  }

  /** A NaN reaches the tokens that see it and no other: 0·NaN must not spread it. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT64, PLAIN, 1000000, 400",
    "FLOAT64, PLAIN, 30, 400",
    "FLOAT32, PLAIN, 1000000, 400",
    "FLOAT32, PLAIN, 30, 400",
    "FLOAT32, VECTOR, 1000000, 400",
    "FLOAT32, VECTOR, 30, 400",
    "FLOAT64, PLAIN, 30, 1",
    "FLOAT32, PLAIN, 30, 1",
    "FLOAT32, VECTOR, 30, 1",
    "FLOAT32, VECTOR, 30, 7",
    "FLOAT32, VECTOR, 1000000, 40"
  })
  void aNanStaysWithThoseThatSeeIt(ElementType type, ComputeRoute provider, int window, int piece) {
    engine(type, provider);
    AttentionConfig config = new AttentionConfig(D, 4, 2, 6, 10_000, window, false);
    INDArray expected = plain(config, x(1, 400));
    INDArray x = poisoned(400);
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, KvCacheOptions.DEFAULT)) {
      int seenUntil = Math.min(400, POISONED + window);
      for (int t = 0; t < 400; t += piece) {
        INDArray y = run(layer, memory, tokens(x, t, Math.min(400, t + piece)));
        for (int i = t; i < Math.min(400, t + piece); i++) {
          INDArray one = tokens(y, i - t, i - t + 1).dup();
          if (i >= POISONED && i < seenUntil) {
            assertThat(one.sumNumber().doubleValue()).as("token %d", i).isNaN();
          } else {
            TensorAssert.assertThat(one)
                .isCloseTo(
                    tokens(expected, i, i + 1).dup(), Tolerance.block(NdArrays.dataType(type)));
          }
        }
      }
    }
  }

  /** Refused as a whole, though the first pieces would have had room. */
  @Test
  void tooManyTokensLeaveTheCacheAlone() {
    engine(ElementType.FLOAT32, ComputeRoute.VECTOR);
    try (DecoderLayer layer = attention(new AttentionConfig(D, 4, 2, 6, 10_000));
        MixerState memory = layer.mixer().newState(1, 600)) {
      refuses(() -> run(layer, memory, x(1, 601)), "at most 600", "got 601");
      assertThat(memory.position(0)).isZero();
      INDArray both = Nd4j.create(DataType.FLOAT, 1, 8, D);
      refuses(
          () ->
              layer.bind(
                  FORM,
                  both.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 5), NDArrayIndex.all()),
                  memory,
                  both.get(NDArrayIndex.all(), NDArrayIndex.interval(2, 7), NDArrayIndex.all())),
          "overlaps x");
      BoundLayer bound = layer.bind(FORM, x(1, 2), memory, x(1, 2));
      layer.close();
      assertThatIllegalStateException()
          .isThrownBy(bound::step)
          .withMessageContaining("this layer is closed");
      bound.close();
      bound.close();
    }
  }

  /** A window's cache has room for ever; an open mark keeps tokens, up to the limit. */
  @Test
  void theLimitCountsWhatIsKept() {
    engine(ElementType.FLOAT32, ComputeRoute.VECTOR);
    AttentionConfig config = new AttentionConfig(D, 4, 2, 6, 10_000, 20, false);
    KvCacheOptions small = new KvCacheOptions(300, 0);
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, small)) {
      INDArray x = x(1, 900);
      TensorAssert.assertThat(run(layer, memory, x))
          .isCloseTo(plain(config, x), Tolerance.block(DataType.FLOAT));
      for (int i = 0; i < 5; i++) {
        run(layer, memory, x);
      }
      assertThat(memory.position(0)).isEqualTo(5400);
      // 20 seen tokens and a piece of 512 touch at most four blocks of 256.
      assertThat(memory.bytes()).isLessThanOrEqualTo(4 * 2L * 2 * 6 * 256 * 4);
      MixerState.Mark mark = memory.mark();
      assertThat(memory.room(0)).isEqualTo(300);
      refuses(() -> run(layer, memory, tokens(x, 0, 301)), "at most 5700", "got 5701");
      run(layer, memory, tokens(x, 0, 300));
      memory.rollback(mark);
      mark.close();
      run(layer, memory, x);
    }
    try (DecoderLayer layer = attention(config);
        MixerState memory = layer.mixer().newState(1, new KvCacheOptions(10, 0))) {
      refuses(() -> run(layer, memory, x(1, 11)), "at most 10", "got 11");
    }
  }
}
