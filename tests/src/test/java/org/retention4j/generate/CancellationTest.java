package org.retention4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Tokenizer;

/** Texts that are ended from outside: by an interrupt, or by a condition. */
class CancellationTest {
  private static final int VOCABULARY = 128;
  private static final GenerationOptions TEN = GenerationOptions.DEFAULT.withMaxTokens(10);

  private final Tokenizer tokenizer = new ByteTokenizer(VOCABULARY);
  private LanguageModel model;

  @BeforeEach
  void make() {
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(2, layer));
    model = LanguageModel.random(Engines.vector(), config, WeightType.FLOAT32, 4);
  }

  @AfterEach
  void close() {
    Thread.interrupted();
    model.close();
  }

  private Generation whole() {
    try (Session session = model.newSession()) {
      return new Generator(tokenizer).generate(session, "prompt", TEN, piece -> {});
    }
  }

  private static int[] array(List<Integer> tokens) {
    return tokens.stream().mapToInt(token -> token).toArray();
  }

  /** What was chosen is in the session: what comes after is what would have come. */
  private void assertGoesOn(Session session, Generation first) {
    assertThat(first.end()).isEqualTo(Generation.End.CANCELLED);
    assertThat(session.position(0)).isEqualTo("prompt".length() + first.tokens().size());
    int[] seen = tokenizer.encode("prompt" + tokenizer.decode(array(first.tokens())));
    GenerationOptions rest = TEN.withMaxTokens(10 - first.tokens().size());
    Generation second = new Generator(tokenizer).resume(session, seen, rest, piece -> {});
    List<Integer> both = new ArrayList<>(first.tokens());
    both.addAll(second.tokens());
    assertThat(both).isEqualTo(whole().tokens());
    assertThat(first.text() + second.text()).isEqualTo(whole().text());
  }

  @Test
  void anInterruptEndsATextBeforeItsNextToken() {
    try (Session session = model.newSession()) {
      StringBuilder pieces = new StringBuilder();
      Generation first =
          new Generator(tokenizer)
              .generate(
                  session,
                  "prompt",
                  TEN,
                  piece -> {
                    pieces.append(piece);
                    if (pieces.length() == 4) {
                      Thread.currentThread().interrupt();
                    }
                  });
      // The status is kept for whoever interrupted.
      assertThat(Thread.interrupted()).isTrue();
      assertThat(first.tokens()).hasSize(4);
      assertThat(first.logProbabilities()).hasSize(4);
      assertThat(first.text()).isEqualTo(pieces.toString());
      assertGoesOn(session, first);
    }
  }

  @Test
  void aConditionEndsATextBeforeItsNextToken() {
    AtomicInteger asked = new AtomicInteger();
    try (Session session = model.newSession()) {
      // Once before the prompt and once before each token.
      Generator generator = new Generator(tokenizer, () -> asked.incrementAndGet() > 6);
      Generation first = generator.generate(session, "prompt", TEN, piece -> {});
      assertThat(first.tokens()).hasSize(5);
      assertGoesOn(session, first);
    }
  }

  @Test
  void aPromptIsNotBegunAfterAnInterrupt() {
    try (Session session = model.newSession()) {
      Thread.currentThread().interrupt();
      Generation none = new Generator(tokenizer).generate(session, "prompt", TEN, piece -> {});
      assertThat(Thread.interrupted()).isTrue();
      assertThat(none)
          .isEqualTo(new Generation("", List.of(), List.of(), Generation.End.CANCELLED));
      assertThat(session.position(0)).isZero();
    }
  }

  /** What was scored counts, and the rest goes on as if nothing had been. */
  @Test
  void aScoreIsGivenUpAndTakenUpAgain() {
    int[] text = new SplittableRandom(1).ints(2000, 0, VOCABULARY).toArray();
    List<Double> expected = new ArrayList<>();
    try (Session session = model.newSession()) {
      new Scorer(session).accept(text, expected::add);
    }
    for (boolean interrupts : new boolean[] {true, false}) {
      List<Double> scores = new ArrayList<>();
      boolean[] ends = {false};
      try (Session session = model.newSession()) {
        Scorer scorer = new Scorer(session, () -> ends[0]);
        assertThatExceptionOfType(CancellationException.class)
            .isThrownBy(
                () ->
                    scorer.accept(
                        text,
                        p -> {
                          scores.add(p);
                          if (scores.size() == 700 && interrupts) {
                            Thread.currentThread().interrupt();
                          }
                          ends[0] |= scores.size() == 700 && !interrupts;
                        }));
        assertThat(Thread.interrupted()).isEqualTo(interrupts);
        ends[0] = false;
        int read = (int) session.position(0);
        assertThat(read).isBetween(700, 1200);
        assertThat(scorer.count()).isEqualTo(scores.size()).isBetween(read - 1L, (long) read);
        scorer.accept(Arrays.copyOfRange(text, read, text.length), scores::add);
        assertThat(scores).isEqualTo(expected);
        assertThat(scorer.count()).isEqualTo(text.length - 1);
      }
    }
  }

  /** What a listener ended was read in part: the next text has nothing before its first token. */
  @Test
  void aListenerThatThrowsLeavesNoWrongScores() {
    int[] text = new SplittableRandom(2).ints(1024, 0, VOCABULARY).toArray();
    int[] next = {5, 6, 7};
    for (int count : new int[] {1, 300, 700}) {
      try (Session session = model.newSession();
          Session witness = model.newSession()) {
        Scorer scorer = new Scorer(session);
        List<Double> scores = new ArrayList<>();
        assertThatExceptionOfType(ArithmeticException.class)
            .isThrownBy(
                () ->
                    scorer.accept(
                        text,
                        p -> {
                          scores.add(p);
                          if (scores.size() == count) {
                            throw new ArithmeticException("test");
                          }
                        }));
        int read = (int) session.position(0);
        assertThat(read).isGreaterThanOrEqualTo(count);
        scores.clear();
        scorer.accept(next, scores::add);
        List<Double> expected = new ArrayList<>();
        witness.append(Arrays.copyOf(text, read));
        new Scorer(witness).accept(next, expected::add);
        assertThat(scores).hasSize(2).isEqualTo(expected);
      }
    }
  }

  /** Nothing is read where nobody would be told of it. */
  @Test
  void aScoreThatLacksSomethingReadsNothing() {
    try (Session session = model.newSession()) {
      Scorer scorer = new Scorer(session);
      scorer.accept(new int[] {5, 6}, p -> {});
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scorer.accept(new int[] {7, 8}, null))
          .withMessage("expected a listener to scores, got null");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> scorer.accept(null, p -> {}))
          .withMessage("expected tokens, got null");
      assertThat(session.position(0)).isEqualTo(2);
      assertThat(scorer.count()).isEqualTo(1);
    }
  }
}
