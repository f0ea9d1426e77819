package org.retention4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** Texts that are scored many in a row get the scores that they get alone. */
class PackedScoresTest {
  private static final int VOCABULARY = 41;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);

  private static DecoderConfig config(boolean attends) {
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(32, 4, 2, 8, 10_000, 50, true), 40, Activation.SILU);
    return DecoderConfig.of(
        VOCABULARY,
        32,
        attends
            ? DecoderConfig.everyKth(2, RETENTION, 2, attention)
            : DecoderConfig.uniform(2, RETENTION));
  }

  /** Of every length that meets a border: chunks, rows, pieces of a long text; and many others. */
  private static int[][] texts() {
    SplittableRandom random = new SplittableRandom(5);
    IntStream borders =
        IntStream.of(
            2, 0, 1, 7, 8, 63, 64, 65, 66, 1, 128, 129, 130, 512, 513, 514, 600, 1025, 3, 449, 450);
    IntStream lengths = IntStream.concat(borders, random.ints(60, 1, 90));
    return lengths.mapToObj(n -> random.ints(n, 0, VOCABULARY).toArray()).toArray(int[][]::new);
  }

  private static List<Double> alone(LanguageModel model, SessionOptions options, int[][] texts) {
    List<Double> scores = new ArrayList<>();
    for (int[] text : texts) {
      try (Session session = model.newSession(1, options)) {
        new Scorer(session).accept(text, scores::add);
      }
    }
    return scores;
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Engine engine : List.of(Engines.float64(), Engines.plain(), Engines.vector())) {
      for (boolean attends : new boolean[] {false, true}) {
        for (SequenceForm form :
            List.of(
                new ChunkwiseForm(),
                new ChunkwiseForm(7),
                new ChunkwiseForm(100),
                new ChunkwiseForm(600), // longer than a piece
                new ParallelForm(),
                new RecurrentForm())) {
          cases.add(Arguments.of(engine, attends, form, engine.kernelsName()));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest(name = "{3}, attention {1}, {2}", autoCloseArguments = false)
  @MethodSource("cases")
  void scoresAreThoseOfEachTextAlone(
      Engine engine, boolean attends, SequenceForm form, String name) {
    SessionOptions options = SessionOptions.DEFAULT.withForm(form);
    int[][] texts = texts();
    try (LanguageModel model =
            LanguageModel.random(engine, config(attends), WeightType.FLOAT32, 3);
        Session session = model.newSession(1, options)) {
      List<Double> expected = alone(model, options, texts);
      Scorer scorer = new Scorer(session);
      List<Double> scores = new ArrayList<>();
      scorer.acceptTexts(texts, scores::add);
      assertThat(scorer.count()).isEqualTo(expected.size());
      if (engine.type() == ElementType.FLOAT64) {
        assertThat(scores).isEqualTo(expected);
        double sum = expected.stream().reduce(0.0, Double::sum);
        assertThat(scorer.meanLoss()).isEqualTo(-sum / expected.size());
      } else {
        // A logit is off by so much of the largest of them, and a score by twice as much.
        double bound = 2 * Bounds.model(engine.type()) * Math.log(VOCABULARY);
        for (int i = 0; i < scores.size(); i++) {
          assertThat(Math.abs(scores.get(i) - expected.get(i))).isLessThan(bound);
        }
      }
    }
  }

  /** Behind texts another begins, and texts drop the one that was being read. */
  @Test
  void textsAndATextTakeTurns() {
    int[][] texts = Arrays.copyOf(texts(), 12);
    try (LanguageModel model =
            LanguageModel.random(Engines.float64(), config(true), WeightType.FLOAT32, 3);
        Session session = model.newSession()) {
      Scorer scorer = new Scorer(session);
      List<Double> scores = new ArrayList<>();
      scorer.accept(new int[] {5, 6, 7}, p -> {});
      scorer.acceptTexts(texts, p -> {});
      scorer.accept(Arrays.copyOf(texts[10], 90), scores::add);
      scorer.accept(Arrays.copyOfRange(texts[10], 90, texts[10].length), scores::add);
      List<Double> expected = new ArrayList<>();
      try (Session other = model.newSession()) {
        Scorer split = new Scorer(other);
        split.accept(Arrays.copyOf(texts[10], 90), expected::add);
        split.accept(Arrays.copyOfRange(texts[10], 90, texts[10].length), expected::add);
      }
      assertThat(scores).isEqualTo(expected);
      scorer.acceptTexts(new int[0][], p -> {});
      scorer.acceptTexts(new int[][] {{}, {3}}, p -> {});
      assertThat(session.position(0)).isEqualTo(texts[10].length);
    }
  }

  /** Nothing of texts is read if one of them cannot be. */
  @Test
  void refusesTextsAsAText() {
    KvCacheOptions ten = KvCacheOptions.DEFAULT.withMaxTokens(10);
    DecoderConfig config =
        DecoderConfig.of(
            VOCABULARY,
            32,
            DecoderConfig.uniform(
                1, new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU)));
    try (LanguageModel model =
            LanguageModel.random(Engines.plain(), config, WeightType.FLOAT32, 3);
        Session session = model.newSession(1, SessionOptions.DEFAULT.withCache(ten))) {
      Scorer scorer = new Scorer(session);
      scorer.accept(new int[] {1, 2, 3}, p -> {});
      refuses(scorer, new int[][] {{1, 2}, {3, VOCABULARY}}, "expected tokens in 0..40");
      refuses(scorer, new int[][] {{1, 2}, null}, "expected tokens of text 1, got null");
      refuses(scorer, new int[][] {{1, 2}, new int[11]}, "at most 10 tokens of a text");
      refuses(scorer, null, "expected texts, got null");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scorer.acceptTexts(new int[][] {{1, 2}}, null));
      assertThat(session.position(0)).isEqualTo(3);
      scorer.acceptTexts(new int[][] {new int[10], {1, 2}, new int[9]}, p -> {});
      assertThat(scorer.count()).isEqualTo(2 + 9 + 1 + 8);
    }
  }

  private static void refuses(Scorer scorer, int[][] texts, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> scorer.acceptTexts(texts, p -> {}))
        .withMessageContaining(message);
    assertThat(scorer.count()).isEqualTo(2);
  }

  /** What was given counts; the rest can be given later. */
  @Test
  void isGivenUpBetweenRows() {
    int[][] texts = new int[2000][];
    Arrays.setAll(texts, i -> new int[] {i % VOCABULARY, 3, 4, 5, 6, i % 7, 7, 8, 9, 10});
    boolean[] ends = {false};
    try (LanguageModel model =
            LanguageModel.random(Engines.plain(), config(false), WeightType.FLOAT32, 3);
        Session session = model.newSession()) {
      Scorer scorer = new Scorer(session, () -> ends[0]);
      int[] given = {0};
      assertThatExceptionOfType(CancellationException.class)
          .isThrownBy(
              () ->
                  scorer.acceptTexts(
                      texts,
                      p -> {
                        given[0]++;
                        ends[0] = true;
                      }));
      assertThat(scorer.count()).isEqualTo(given[0]).isBetween(1L, 17_999L);
      assertThat(given[0] % 9).isZero();
      ends[0] = false;
      scorer.acceptTexts(Arrays.copyOfRange(texts, given[0] / 9, texts.length), p -> {});
      assertThat(scorer.count()).isEqualTo(18_000);
    }
  }
}
