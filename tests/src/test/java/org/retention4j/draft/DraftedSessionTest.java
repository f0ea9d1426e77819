package org.retention4j.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.SamplingOptions;

/** Drafts beside single steps: the same logits and the same tokens, whatever is guessed. */
class DraftedSessionTest {
  private static final int VOCABULARY = 61;
  private static final int LENGTH = 150;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);

  /** Whatever a session may be. */
  enum Kind {
    RETENTION_FLOAT64(ElementType.FLOAT64, WeightType.FLOAT64, 0, true),
    HYBRID_FLOAT64(ElementType.FLOAT64, WeightType.FLOAT64, 40, true),
    RETENTION_BFLOAT16(ElementType.FLOAT32, WeightType.BFLOAT16, 0, true),
    HYBRID_BFLOAT16(ElementType.FLOAT32, WeightType.BFLOAT16, 40, false),
    RETENTION_FLOAT32(ElementType.FLOAT32, WeightType.FLOAT32, 0, false),
    HYBRID_FLOAT32(ElementType.FLOAT32, WeightType.FLOAT32, 40, false),
    RETENTION_INT8(ElementType.FLOAT32, WeightType.INT8, 0, false);

    final ElementType type;
    final WeightType weights;
    final int window;
    final boolean exact;

    Kind(ElementType type, WeightType weights, int window, boolean exact) {
      this.type = type;
      this.weights = weights;
      this.window = window;
      this.exact = exact;
    }

    DecoderConfig config() {
      AttentionConfig attention =
          new AttentionConfig(32, 4, 2, 8, 10_000, Math.max(1, window), true);
      return DecoderConfig.of(
          VOCABULARY,
          32,
          window == 0
              ? DecoderConfig.uniform(2, RETENTION)
              : List.of(RETENTION, new LayerConfig(attention, 40, Activation.SILU)));
    }

    Engine engine() {
      boolean wide = type == ElementType.FLOAT64;
      return Engine.create(type, 2, wide ? ComputeRoute.PLAIN : ComputeRoute.VECTOR);
    }
  }

  /** Knows the text in advance and says so, but for every so manieth token. */
  private static final class Oracle implements Draft {
    private final int[] text;
    private final int wrongEvery;
    private int at;

    Oracle(int[] text, int wrongEvery) {
      this.text = text;
      this.wrongEvery = wrongEvery;
    }

    @Override
    public void accept(int... tokens) {
      at += tokens.length;
    }

    @Override
    public int propose(int[] into, int most) {
      int count = Math.min(most, text.length - at);
      for (int i = 0; i < count; i++) {
        boolean wrong = (at + i) % wrongEvery == wrongEvery - 1;
        into[i] = wrong ? (text[at + i] + 1) % VOCABULARY : text[at + i];
      }
      return count;
    }

    @Override
    public void close() {}
  }

  private static int largest(double[] of) {
    int best = 0;
    for (int i = 1; i < of.length; i++) {
      best = of[i] > of[best] ? i : best;
    }
    return best;
  }

  private static double[] logits(Session session) {
    double[] logits = new double[VOCABULARY];
    session.logits(0, logits);
    return logits;
  }

  /**
   * Greedy tokens, and random ones now and then so that a small model's text does not run in
   * circles. Each step's logits are compared with those of a session that takes single steps.
   */
  private static void compare(Kind kind, LanguageModel model, Draft draft, int rows) {
    double bound = kind.exact ? 0 : Bounds.model(ElementType.FLOAT32);
    SplittableRandom random = new SplittableRandom(3);
    int[] prompt = random.ints(9, 0, VOCABULARY).toArray();
    try (draft;
        Session plain = model.newSession();
        Session session = model.newSession()) {
      plain.append(prompt);
      session.append(prompt);
      double[] got = new double[VOCABULARY];
      try (DraftedSession drafted = new DraftedSession(session, draft, prompt, rows)) {
        for (int i = 0; i < LENGTH; i++) {
          drafted.logits(got);
          assertClose(got, logits(plain), bound);
          int token = i % 11 == 10 ? random.nextInt(VOCABULARY) : largest(logits(plain));
          assertThat(drafted.position()).isEqualTo(plain.position(0));
          assertRoom(drafted, plain, kind);
          drafted.step(token);
          plain.step(token);
        }
        DraftReport report = drafted.report();
        assertThat(report.tokens()).isEqualTo(LENGTH);
        assertThat(report.accepted()).isBetween(0L, report.proposed());
        assertThat(report.passes() + report.steps()).isEqualTo(LENGTH - report.accepted());
        assertThat(report.tokensPerSecond()).isPositive();
      }
      assertThat(session.position(0)).isEqualTo(plain.position(0));
      session.step(5);
      plain.step(5);
      assertClose(logits(session), logits(plain), bound);
    }
  }

  /** A mark keeps what a window hides: the limit counts from it. */
  private static void assertRoom(DraftedSession drafted, Session plain, Kind kind) {
    if (kind.window == 0) {
      assertThat(drafted.room()).isEqualTo(plain.room(0));
    } else {
      assertThat(drafted.room()).isBetween(32_768L - 16, plain.room(0));
    }
  }

  private static void assertClose(double[] actual, double[] expected, double bound) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / size)).isLessThanOrEqualTo(bound);
  }

  /** The text that greedy choices with the same interruptions give, as {@link #compare} has it. */
  private static int[] text(LanguageModel model) {
    SplittableRandom random = new SplittableRandom(3);
    int[] text = new int[9 + LENGTH];
    System.arraycopy(random.ints(9, 0, VOCABULARY).toArray(), 0, text, 0, 9);
    try (Session plain = model.newSession()) {
      plain.append(java.util.Arrays.copyOf(text, 9));
      for (int i = 0; i < LENGTH; i++) {
        int token = i % 11 == 10 ? random.nextInt(VOCABULARY) : largest(logits(plain));
        plain.step(token);
        text[9 + i] = token;
      }
    }
    return text;
  }

  @ParameterizedTest
  @EnumSource
  void saysWhatSingleStepsSay(Kind kind) {
    long before = HeldMemory.liveBytes();
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        LanguageModel other = LanguageModel.random(engine, kind.config(), kind.weights, 6)) {
      int most = kind == Kind.RETENTION_INT8 ? DraftedSession.DEFAULT_ROWS : 16;
      compare(kind, model, new NGramDraft(1, 3), DraftedSession.DEFAULT_ROWS);
      compare(kind, model, new ModelDraft(model), Math.min(8, most));
      compare(kind, model, new ModelDraft(other), 2);
      int[] text = text(model);
      compare(kind, model, new Oracle(text, Integer.MAX_VALUE), Math.min(16, most));
      for (int wrong = 1; wrong < 7; wrong++) {
        compare(kind, model, new Oracle(text, wrong + 1), Math.min(2 + 2 * wrong, most));
      }
    }
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  /** One pass for many tokens, where guesses are right. */
  @Test
  void takesFewerPassesThanTokens() {
    Kind kind = Kind.RETENTION_FLOAT64;
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        Session session = model.newSession();
        Draft draft = new ModelDraft(model)) {
      session.append(1, 2, 3);
      double[] logits = new double[VOCABULARY];
      try (DraftedSession drafted = new DraftedSession(session, draft, new int[] {1, 2, 3}, 8)) {
        for (int i = 0; i < 80; i++) {
          drafted.logits(logits);
          drafted.step(largest(logits));
        }
        assertThat(drafted.report().acceptedRate()).isEqualTo(1);
        assertThat(drafted.report().passes()).isEqualTo(10);
        assertThat(drafted.report().steps()).isZero();
      }
    }
  }

  /** The whole way: the same generation, greedy and drawn, with stops in the midst of a pass. */
  @ParameterizedTest
  @EnumSource(names = {"RETENTION_FLOAT64", "HYBRID_FLOAT64", "RETENTION_BFLOAT16"})
  void generatesTheSameText(Kind kind) {
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        ByteTokenizer tokenizer = new ByteTokenizer(VOCABULARY)) {
      Generator generator = new Generator(tokenizer);
      int[] prompt = {7, 8, 9, 7, 8};
      for (int limit = 0; limit < 40; limit += 3) {
        SamplingOptions drawn = SamplingOptions.DEFAULT.withTemperature(limit % 2 == 0 ? 0 : 0.7);
        GenerationOptions options =
            GenerationOptions.DEFAULT.withMaxTokens(limit).withSampling(drawn);
        try (Session plain = model.newSession();
            Session session = model.newSession();
            Draft draft = new NGramDraft(1, 4)) {
          plain.append(prompt);
          session.append(prompt);
          Generation expected = generator.resume(plain, prompt, options, piece -> {});
          try (DraftedSession drafted = new DraftedSession(session, draft, prompt, 6)) {
            assertThat(generator.resume(drafted, prompt, options, piece -> {})).isEqualTo(expected);
          }
          assertThat(session.position(0)).isEqualTo(plain.position(0));
          assertThat(logits(session)).isEqualTo(logits(plain));
        }
      }
    }
  }

  /** Where logits are equal to rounding only: a choice is greedy, but for what rounding decides. */
  @ParameterizedTest
  @EnumSource(names = {"RETENTION_FLOAT32", "HYBRID_FLOAT32", "HYBRID_BFLOAT16", "RETENTION_INT8"})
  void choosesWhatIsLargestToRounding(Kind kind) {
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        Session plain = model.newSession();
        Session session = model.newSession();
        Draft draft = new NGramDraft(1, 3)) {
      plain.append(1, 2, 3);
      session.append(1, 2, 3);
      double[] got = new double[VOCABULARY];
      try (DraftedSession drafted = new DraftedSession(session, draft, new int[] {1, 2, 3}, 4)) {
        for (int i = 0; i < LENGTH; i++) {
          drafted.logits(got);
          double[] expected = logits(plain);
          double size = 0;
          for (double x : expected) {
            size += x * x;
          }
          int chosen = largest(got);
          assertThat(expected[largest(expected)] - expected[chosen])
              .isLessThanOrEqualTo(2 * Bounds.model(ElementType.FLOAT32) * Math.sqrt(size));
          drafted.step(chosen);
          plain.step(chosen);
        }
        assertThat(drafted.report().accepted()).isPositive();
      }
    }
  }

  @Test
  void refusesWhatItCannotHelp() {
    Kind kind = Kind.HYBRID_FLOAT32;
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        Session two = model.newSession(2, SessionOptions.DEFAULT);
        Session rounded = model.newSession(1, SessionOptions.DEFAULT.withBfloat16Prefill(true));
        Session small =
            model.newSession(
                1, SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withMaxTokens(12)));
        Draft draft = new NGramDraft(1, 2)) {
      int[] none = {};
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DraftedSession(two, draft, none, 4))
          .withMessage("expected a session of one sequence, got one of 2");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DraftedSession(rounded, draft, none, 4))
          .withMessage(
              "expected a session that does not round to bf16 what it multiplies, got one that"
                  + " does");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DraftedSession(small, draft, none, 17))
          .withMessage("expected 2..16 rows, got 17");
      small.append(1, 1, 1);
      DraftedSession drafted = new DraftedSession(small, draft, new int[] {1, 1, 1}, 4);
      for (int i = 0; drafted.room() > 0; i++) {
        drafted.step(i % 3 == 0 ? 2 : 1);
      }
      assertThat(drafted.position()).isEqualTo(12);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> drafted.step(1))
          .withMessageContaining("the cache's limit");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> drafted.step(61))
          .withMessage("expected a token in 0..60, got 61");
      drafted.close();
      drafted.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> drafted.step(1))
          .withMessage("this drafted session is closed");
      assertThat(small.position(0)).isEqualTo(12);
    }
  }

  /** A short call, as a step is. */
  @Test
  void isNotEndedByAnInterrupt() {
    Kind kind = Kind.RETENTION_FLOAT32;
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        Session session = model.newSession();
        Draft draft = new NGramDraft(1, 2)) {
      session.append(1, 1, 1);
      try (DraftedSession drafted = new DraftedSession(session, draft, new int[] {1, 1, 1}, 4)) {
        Thread.currentThread().interrupt();
        drafted.step(1);
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
        assertThat(drafted.report().passes()).isEqualTo(1);
        drafted.step(2);
      }
      assertThat(Thread.interrupted()).isTrue();
      assertThat(session.position(0)).isEqualTo(5);
    }
  }

  /** Of another vocabulary: guesses that there are no tokens for, and tokens that it knows not. */
  @Test
  void takesNoTokensThatAreNone() {
    Kind kind = Kind.RETENTION_FLOAT32;
    DecoderConfig tiny = DecoderConfig.of(5, 32, DecoderConfig.uniform(1, RETENTION));
    try (Engine engine = kind.engine();
        LanguageModel model = LanguageModel.random(engine, kind.config(), kind.weights, 5);
        LanguageModel small = LanguageModel.random(engine, tiny, kind.weights, 5);
        Session session = model.newSession();
        Session other = small.newSession()) {
      session.append(1, 2);
      other.append(1, 2);
      try (Draft draft = new ModelDraft(small);
          DraftedSession drafted = new DraftedSession(session, draft, new int[] {1, 2}, 4)) {
        drafted.step(3);
        drafted.step(60);
        drafted.step(3);
        assertThat(drafted.report().proposed()).isLessThanOrEqualTo(3);
      }
      try (Draft draft = new ModelDraft(model);
          DraftedSession drafted = new DraftedSession(other, draft, new int[] {1, 2}, 4)) {
        drafted.step(3);
        drafted.step(4);
      }
      assertThat(other.position(0)).isEqualTo(4);
    }
  }
}
