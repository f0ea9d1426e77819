package org.retention4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
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
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.Tokenizer;

/** Generation and scoring against what a session's logits say, token by token. */
class GeneratorTest {
  private static final int VOCABULARY = 128;

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
    model.close();
  }

  private Generation generate(GenerationOptions options, List<String> pieces) {
    try (Session session = model.newSession()) {
      return new Generator(tokenizer).generate(session, "prompt", options, pieces::add);
    }
  }

  private static double[] logProbabilities(double[] logits) {
    double sum = 0;
    for (double x : logits) {
      sum += Math.exp(x);
    }
    double[] p = new double[logits.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = logits[i] - Math.log(sum);
    }
    return p;
  }

  /** Greedy: the largest logit each time, with its log-probability. */
  @Test
  void followsTheLogits() {
    List<String> pieces = new ArrayList<>();
    Generation generated = generate(GenerationOptions.DEFAULT.withMaxTokens(15), pieces);
    assertThat(generated.tokens()).hasSize(15);
    assertThat(generated.end()).isEqualTo(Generation.End.MAX_TOKENS);
    assertThat(String.join("", pieces)).isEqualTo(generated.text());
    int[] tokens = generated.tokens().stream().mapToInt(i -> i).toArray();
    assertThat(generated.text()).isEqualTo(tokenizer.decode(tokens));
    try (Session session = model.newSession()) {
      session.append(tokenizer.encode("prompt"));
      double[] logits = new double[VOCABULARY];
      for (int i = 0; i < tokens.length; i++) {
        session.logits(0, logits);
        double[] p = logProbabilities(logits);
        for (double each : p) {
          assertThat(p[tokens[i]]).isGreaterThanOrEqualTo(each);
        }
        assertThat(generated.logProbabilities().get(i)).isCloseTo(p[tokens[i]], within(1e-5));
        session.step(tokens[i]);
      }
    }
  }

  @Test
  void endsWhereItIsToldTo() {
    List<Integer> all =
        generate(GenerationOptions.DEFAULT.withMaxTokens(15), new ArrayList<>()).tokens();
    int stop = all.get(6);
    int first = all.indexOf(stop);
    Generation byToken =
        generate(GenerationOptions.DEFAULT.withStopTokens(Set.of(stop)), new ArrayList<>());
    assertThat(byToken.end()).isEqualTo(Generation.End.STOP_TOKEN);
    assertThat(byToken.tokens()).isEqualTo(all.subList(0, first + 1));
    int[] before = all.subList(0, first).stream().mapToInt(i -> i).toArray();
    assertThat(byToken.text()).isEqualTo(tokenizer.decode(before));

    String text = tokenizer.decode(all.stream().mapToInt(i -> i).toArray());
    String stopString = text.substring(5, 8);
    Generation byString =
        generate(GenerationOptions.DEFAULT.withStopStrings(List.of(stopString)), new ArrayList<>());
    assertThat(byString.end()).isEqualTo(Generation.End.STOP_STRING);
    assertThat(byString.text()).isEqualTo(text.substring(0, text.indexOf(stopString)));
    assertThat(generate(GenerationOptions.DEFAULT.withMaxTokens(0), new ArrayList<>()).tokens())
        .isEmpty();
  }

  /** A special token has no text that a stop string could be found in. */
  @Test
  void aSpecialTokensTextStopsAtTheToken() {
    List<Integer> all =
        generate(GenerationOptions.DEFAULT.withMaxTokens(15), new ArrayList<>()).tokens();
    int special = all.get(6);
    int first = all.indexOf(special);
    Tokenizer chats = new WithSpecialToken(tokenizer, "<|end|>", special);
    GenerationOptions options = GenerationOptions.DEFAULT.withMaxTokens(15);
    try (Session session = model.newSession()) {
      Generation stopped =
          new Generator(chats)
              .generate(session, "prompt", options.withStopStrings(List.of("<|end|>")), x -> {});
      assertThat(stopped.tokens()).isEqualTo(all.subList(0, first + 1));
      assertThat(stopped.end()).isEqualTo(Generation.End.STOP_STRING);
    }
    try (Session session = model.newSession()) {
      GenerationOptions more = options.withStopStrings(List.of("<|end|>\n"));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Generator(chats).generate(session, "prompt", more, x -> {}))
          .withMessageContainingAll("<|end|>", "no text");
      // Nothing was read.
      assertThat(session.position(0)).isZero();
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options.withStopStrings(List.of("a", "")))
        .withMessageContaining("empty");
  }

  /** Bytes, one of which has a name instead of a text. */
  private record WithSpecialToken(Tokenizer bytes, String name, int token) implements Tokenizer {
    @Override
    public int[] encode(String text) {
      return bytes.encode(text);
    }

    @Override
    public String decode(int[] tokens) {
      return bytes.decode(Arrays.stream(tokens).filter(each -> each != token).toArray());
    }

    @Override
    public Map<String, Integer> specialTokens() {
      return Map.of(name, token);
    }

    @Override
    public int vocabulary() {
      return bytes.vocabulary();
    }
  }

  /** The same seed gives the same text; tokens of the prompt are penalised too. */
  @Test
  void samplesBySeed() {
    SamplingOptions hot = SamplingOptions.DEFAULT.withTemperature(2).withSeed(5);
    GenerationOptions options = GenerationOptions.DEFAULT.withMaxTokens(30).withSampling(hot);
    Generation one = generate(options, new ArrayList<>());
    assertThat(generate(options, new ArrayList<>())).isEqualTo(one);
    GenerationOptions other = options.withSampling(hot.withSeed(6));
    assertThat(generate(other, new ArrayList<>()).tokens()).isNotEqualTo(one.tokens());
    SamplingOptions never = SamplingOptions.DEFAULT.withRepetitionPenalty(1e6);
    Generation varied =
        generate(
            GenerationOptions.DEFAULT.withMaxTokens(40).withSampling(never), new ArrayList<>());
    assertThat(varied.tokens()).doesNotHaveDuplicates();
    for (int token : tokenizer.encode("prompt")) {
      assertThat(varied.tokens()).doesNotContain(token);
    }
  }

  @Test
  void refusesWhatCannotBeContinued() {
    Generator generator = new Generator(tokenizer);
    try (Session empty = model.newSession();
        Session two = model.newSession(2, SessionOptions.DEFAULT)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> generator.generate(empty, "", GenerationOptions.DEFAULT, x -> {}))
          .withMessageContaining("at least 1 token");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> generator.generate(two, "a", GenerationOptions.DEFAULT, x -> {}))
          .withMessageContaining("one of 2");
      assertThatIllegalArgumentException().isThrownBy(() -> new Scorer(two));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationOptions.DEFAULT.withMaxTokens(-1));
  }

  @Test
  void whatIsMissingIsNamed() {
    GenerationOptions options = GenerationOptions.DEFAULT;
    Generator generator = new Generator(tokenizer);
    try (Session session = model.newSession()) {
      refuses(() -> new Scorer(null), "a session");
      refuses(() -> new Scorer(session, null), "a condition");
      refuses(() -> new Generator(null), "a tokenizer");
      refuses(() -> new Generator(tokenizer, null), "a condition");
      refuses(() -> generator.generate(null, "a", options, x -> {}), "a session");
      refuses(() -> generator.generate(session, (String) null, options, x -> {}), "a prompt");
      refuses(() -> generator.generate(session, (int[]) null, options, x -> {}), "a prompt");
      refuses(() -> generator.generate(session, "a", null, x -> {}), "options");
      refuses(() -> generator.generate(session, "a", options, null), "a stream");
      refuses(() -> generator.resume(session, null, options, x -> {}), "the tokens before");
      assertThat(session.position(0)).isZero();
    }
  }

  private static void refuses(ThrowingCallable code, String what) {
    assertThatIllegalArgumentException()
        .isThrownBy(code)
        .withMessage("expected " + what + ", got null");
  }

  /** A text in one call or in several gives the same scores, those of the logits. */
  @Test
  void scoresWhatTheLogitsSay() {
    int[] text = new java.util.SplittableRandom(1).ints(1300, 0, VOCABULARY).toArray();
    List<Double> whole = new ArrayList<>();
    List<Double> parts = new ArrayList<>();
    try (Session a = model.newSession();
        Session b = model.newSession();
        Session c = model.newSession()) {
      Scorer scorer = new Scorer(a);
      scorer.accept(text, whole::add);
      assertThat(scorer.count()).isEqualTo(1299);
      Scorer split = new Scorer(b);
      for (int from = 0; from < text.length; from += 100) {
        split.accept(Arrays.copyOfRange(text, from, from + 100), parts::add);
      }
      double[] logits = new double[VOCABULARY];
      double sum = 0;
      for (int t = 0; t + 1 < text.length; t++) {
        c.step(text[t]);
        c.logits(0, logits);
        double expected = logProbabilities(logits)[text[t + 1]];
        sum += expected;
        assertThat(whole.get(t)).isCloseTo(expected, within(2e-5));
        assertThat(parts.get(t)).isCloseTo(expected, within(2e-5));
      }
      assertThat(scorer.perplexity()).isCloseTo(Math.exp(-sum / 1299), within(1e-2));
    }
  }
}
