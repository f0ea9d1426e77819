package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** An engine, models on it that are closed at the end, and what sessions say of texts. */
abstract class SessionFixture {
  static final int VOCABULARY = 61;

  /** How far, relative, the same sums in another order may be off. */
  static final double CLOSE = Bounds.model(ElementType.FLOAT32);

  static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);

  Engine engine;

  private long before;
  private final List<LanguageModel> models = new ArrayList<>();

  @BeforeEach
  void openEngine() {
    before = HeldMemory.liveBytes();
    engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
  }

  @AfterEach
  void freesEverything() {
    for (LanguageModel model : models) {
      model.close();
      model.close();
    }
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  /** A model that is closed behind the test. */
  LanguageModel model(DecoderConfig config, WeightType type, long seed) {
    LanguageModel model = LanguageModel.random(engine, config, type, seed);
    models.add(model);
    return model;
  }

  /** Three layers of retention, or four of which every other is attention. */
  static DecoderConfig config(boolean attends) {
    return config(attends, 20);
  }

  static DecoderConfig config(boolean attends, int window) {
    LayerConfig attention =
        new LayerConfig(
            new AttentionConfig(32, 4, 2, 8, 10_000, window, true), 40, Activation.SILU);
    return DecoderConfig.of(
        VOCABULARY,
        32,
        attends
            ? DecoderConfig.everyKth(4, RETENTION, 2, attention)
            : DecoderConfig.uniform(3, RETENTION));
  }

  /** A layer of retention and one of attention to everything. */
  static DecoderConfig twoLayers() {
    LayerConfig attention = new LayerConfig(AttentionConfig.multiHead(32, 2), 40, Activation.SILU);
    return DecoderConfig.of(VOCABULARY, 32, DecoderConfig.everyKth(2, RETENTION, 2, attention));
  }

  static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  static float[] logits(Session session, int row) {
    float[] logits = new float[VOCABULARY];
    session.logits(row, logits);
    return logits;
  }

  /** The logits behind a text that a session reads alone. */
  static float[] alone(LanguageModel model, int... tokens) {
    try (Session session = model.newSession()) {
      session.append(tokens);
      return logits(session, 0);
    }
  }

  static double difference(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  static void assertClose(float[] actual, float[] expected) {
    assertThat(difference(actual, expected)).isLessThan(CLOSE);
  }
}
