package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.stack.LmHead;

/**
 * Vectors of texts. Where the output matrix is the identity, logits are the last layer's rows, so
 * that their mean by single steps is the vector.
 */
class EmbedTest {
  private static final int D = 32;
  private static final int[] LENGTHS = {
    1, 7, 63, 65, 200, 2, 1, 1, 30, 3, 4, 5, 6, 7, 8, 9, 10, 11
  };

  private static int[][] texts() {
    SplittableRandom random = new SplittableRandom(4);
    return Arrays.stream(LENGTHS)
        .mapToObj(length -> random.ints(length, 0, D).toArray())
        .toArray(int[][]::new);
  }

  private static LanguageModel model(Engine engine) {
    DecoderConfig config =
        DecoderConfig.of(
            D,
            D,
            List.of(
                new LayerConfig(RetentionMixerConfig.fla(D, 2), 40, Activation.SILU),
                new LayerConfig(AttentionConfig.multiHead(D, 2), 40, Activation.SILU)));
    LanguageModel parts = LanguageModel.random(engine, config, WeightType.FLOAT32, 1);
    double[] norm = new double[D];
    Arrays.setAll(norm, i -> 0.5 + i / 32.0);
    parts.head().close();
    LmHead identity =
        new LmHead(
            engine,
            norm,
            config.normEps(),
            engine.pack(Nd4j.eye(D).castTo(NdArrays.dataType(engine.type())), WeightType.FLOAT32));
    return new LanguageModel(
        engine, config, parts.embedding(), Optional.empty(), parts.layers(), identity);
  }

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void aTextsVectorIsTheMeanOfItsRows(ElementType type) {
    long before = HeldMemory.liveBytes();
    try (Engine engine = Engine.create(type, 2, ComputeRoute.VECTOR);
        LanguageModel model = model(engine)) {
      int[][] texts = texts();
      float[][] vectors = model.embed(texts);
      assertThat(vectors).hasDimensions(texts.length, D);
      for (int i = 0; i < texts.length; i++) {
        double[] sums = new double[D];
        double[] row = new double[D];
        try (Session alone = model.newSession()) {
          for (int token : texts[i]) {
            alone.step(token);
            alone.logits(0, row);
            for (int j = 0; j < D; j++) {
              sums[j] += row[j];
            }
          }
        }
        double largest = Arrays.stream(sums).map(Math::abs).max().orElseThrow() / texts[i].length;
        for (int j = 0; j < D; j++) {
          // fp32 vectors in either engine.
          assertThat((double) vectors[i][j])
              .isCloseTo(sums[j] / texts[i].length, Offset.offset(2e-6 * largest));
        }
      }
      assertThat(model.embed()).isEmpty();
    }
    assertThat(HeldMemory.liveBytes()).isEqualTo(before);
  }

  @Test
  void whatIsNoTextIsRefused() {
    Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.PLAIN);
    LanguageModel model = model(engine);
    try (engine;
        model) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.embed(new int[] {1}, new int[0]))
          .withMessage("expected at least 1 token in text 1, got 0");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.embed(new int[] {1, D}))
          .withMessage("expected tokens in 0..31, the vocabulary, got 32 in text 0");
      int[][] many = new int[18][1];
      many[17][0] = -1;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.embed(many))
          .withMessage("expected tokens in 0..31, the vocabulary, got -1 in text 17");
    }
    assertThatIllegalStateException().isThrownBy(() -> model.embed(new int[] {1}));
  }
}
