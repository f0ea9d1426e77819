package org.retention4j.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Small models, and what their sessions say of prompts. */
abstract class CacheFixture {
  static final int VOCABULARY = 61;
  static final int PIECE = 64;

  /** In pieces of 64 tokens, in memory. */
  static final PrefixCacheOptions OPTIONS = PrefixCacheOptions.DEFAULT.withPiece(PIECE);

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);

  private Engine engine;
  private final List<LanguageModel> models = new ArrayList<>();
  private long before;

  @BeforeEach
  void openEngine() {
    before = HeldMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
  }

  @AfterEach
  void freesEverything() {
    models.forEach(LanguageModel::close);
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  /** Two layers of retention, or one and one of attention that sees a window, 0 for none. */
  static DecoderConfig config(int window) {
    if (window == 0) {
      return DecoderConfig.of(VOCABULARY, 32, DecoderConfig.uniform(2, RETENTION));
    }
    AttentionConfig attention = new AttentionConfig(32, 4, 2, 8, 10_000, window, true);
    return DecoderConfig.of(
        VOCABULARY, 32, List.of(RETENTION, new LayerConfig(attention, 40, Activation.SILU)));
  }

  /** A model that is closed behind the test. */
  LanguageModel model(long seed) {
    LanguageModel model = LanguageModel.random(engine, config(0), WeightType.FLOAT32, seed);
    models.add(model);
    return model;
  }

  static PrefixCache cache(LanguageModel model, PrefixCacheOptions options) {
    try {
      return new PrefixCache(model, options);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  /** One text behind the other. */
  static int[] join(int[] first, int[] second) {
    int[] both = java.util.Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  static double[] logits(Session session) {
    double[] logits = new double[VOCABULARY];
    session.logits(0, logits);
    return logits;
  }

  /** What a session says that reads a prompt in pieces, with no cache, and then a few steps. */
  static List<double[]> plain(LanguageModel model, SessionOptions options, int[] prompt) {
    try (Session session = model.newSession(1, options)) {
      for (int from = 0; from < prompt.length; from += PIECE) {
        int to = Math.min(prompt.length, from + PIECE);
        session.append(java.util.Arrays.copyOfRange(prompt, from, to));
      }
      return goesOn(session);
    }
  }

  /** The same of a session that a cache gives. */
  static List<double[]> cached(PrefixCache cache, SessionOptions options, int[] prompt) {
    try (Session session = cache.read(prompt, options)) {
      assertThat(session.position(0)).isEqualTo(prompt.length);
      return goesOn(session);
    }
  }

  private static List<double[]> goesOn(Session session) {
    List<double[]> all = new ArrayList<>();
    all.add(logits(session));
    for (int token = 0; token < 3; token++) {
      session.step(token);
      all.add(logits(session));
    }
    return all;
  }

  static void assertSame(List<double[]> actual, List<double[]> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i)).isEqualTo(expected.get(i));
    }
  }

  static void assertSame(PrefixCache cache, LanguageModel model, int[] prompt) {
    assertSame(
        cached(cache, SessionOptions.DEFAULT, prompt),
        plain(model, SessionOptions.DEFAULT, prompt));
  }
}
