package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tolerance;

/** Sliding windows, as blocks of their caches are given up and used again. */
class WindowTest extends LayerFixture {
  private static final int VOCABULARY = 50;
  private static final int POISON = 7;
  private static final int TOKENS = 1300;
  private static final double CLOSE = 1e-5;

  /** A model of one attention layer in which one token's embedding is no number. */
  private LanguageModel poisoned(int window) {
    AttentionConfig attention = new AttentionConfig(16, 2, 1, 8, 10_000, window, true);
    LayerConfig layer = new LayerConfig(attention, 20, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 16, List.of(layer));
    LanguageModel random = LanguageModel.random(engine, config, WeightType.FLOAT32, 1);
    INDArray table = org.nd4j.linalg.factory.Nd4j.create(DataType.FLOAT, VOCABULARY, 16);
    float[] row = new float[16];
    for (int i = 0; i < VOCABULARY; i++) {
      random.embedding().read(i, row);
      for (int j = 0; j < row.length; j++) {
        table.putScalar(i, j, i == POISON ? Float.NaN : row[j]);
      }
    }
    RowTable embedding = engine.newTable(NdArrays.source(table), WeightType.FLOAT32);
    return new LanguageModel(
        engine, config, embedding, Optional.empty(), random.layers(), random.head());
  }

  private static double[][] logits(LanguageModel model, int[] tokens, int piece) {
    double[][] seen = new double[tokens.length][];
    try (Session session = model.newSession()) {
      for (int from = 0; from < tokens.length; from += piece) {
        int[][] row = {Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + piece))};
        session.append(row, (r, position, logits) -> seen[(int) position] = logits.clone());
      }
    }
    return seen;
  }

  private static boolean close(double[] actual, double[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size) < CLOSE;
  }

  /**
   * Tokens that do not see a NaN through the window get what they get without it, wherever it
   * stands in a block and however the text is cut.
   */
  @ParameterizedTest
  @EnumSource
  void aNanIsForgottenWithItsBlock(ElementType type) {
    engine(type, ComputeRoute.PLAIN);
    int[] text = new SplittableRandom(3).ints(TOKENS, POISON + 1, VOCABULARY).toArray();
    List<String> wrong = new ArrayList<>();
    for (int window : new int[] {5, 300}) {
      try (LanguageModel model = poisoned(window)) {
        for (int piece : new int[] {1, 7, 40, 100}) {
          double[][] expected = logits(model, text, piece);
          for (int at : new int[] {0, 100, 255, 256, 600}) {
            int[] with = text.clone();
            with[at] = POISON;
            double[][] actual = logits(model, with, piece);
            for (int i = 0; i < TOKENS; i++) {
              boolean sees = i >= at && i < at + window;
              if (!sees && !close(actual[i], expected[i])) {
                wrong.add("window " + window + " piece " + piece + " NaN at " + at + " token " + i);
                break;
              }
            }
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  /** A window as long as the cache holds is room for ever; one token more is not. */
  @Test
  void aWindowMayFillItsCache() {
    engine(ElementType.FLOAT32, ComputeRoute.VECTOR);
    int limit = 20;
    KvCacheOptions options = new KvCacheOptions(limit, 0);
    AttentionConfig fits = new AttentionConfig(D, 4, 2, 6, 10_000, limit, false);
    INDArray x = x(1, 700);
    try (DecoderLayer layer = attention(fits);
        MixerState memory = layer.mixer().newState(1, options)) {
      assertThat(memory.room(0)).isGreaterThan(1L << 30);
      TensorAssert.assertThat(run(layer, memory, x))
          .isCloseTo(plain(fits, x), Tolerance.block(DataType.FLOAT));
    }
    AttentionConfig longer = new AttentionConfig(D, 4, 2, 6, 10_000, limit + 1, false);
    try (DecoderLayer layer = attention(longer);
        MixerState memory = layer.mixer().newState(1, options)) {
      assertThat(memory.room(0)).isEqualTo(limit);
      run(layer, memory, tokens(x, 0, limit));
      refuses(() -> run(layer, memory, tokens(x, limit, limit + 1)), "at most 20", "got 21");
    }
  }
}
