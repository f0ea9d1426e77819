package org.retention4j.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
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
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Tokenizer;

/** Two engines with a small hybrid each, whose memory is all given back. */
abstract class BatchFixture {
  static final int VOCABULARY = 128;

  final Tokenizer tokenizer = new ByteTokenizer(VOCABULARY);
  LanguageModel exact;
  LanguageModel model;
  Engine wide;
  private Engine engine;
  private long before;

  @BeforeEach
  void open() {
    before = HeldMemory.liveBytes();
    wide = Engine.create(ElementType.FLOAT64, 2, ComputeRoute.PLAIN);
    engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
    exact = LanguageModel.random(wide, config(), WeightType.FLOAT32, 4);
    model = LanguageModel.random(engine, config(), WeightType.FLOAT32, 4);
  }

  @AfterEach
  void freesEverything() {
    exact.close();
    model.close();
    wide.close();
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  /** Retention, and attention within a window. */
  static DecoderConfig config() {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(32, 4, 2, 8, 10_000, 20, true), 40, Activation.SILU);
    return DecoderConfig.of(VOCABULARY, 32, DecoderConfig.everyKth(3, retention, 2, attention));
  }

  static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  Generation alone(LanguageModel of, int[] prompt, GenerationOptions options) {
    try (Session session = of.newSession(1, SessionOptions.DEFAULT)) {
      return new Generator(tokenizer).generate(session, prompt, options, piece -> {});
    }
  }
}
