package org.retention4j.bench.sessions;

import java.util.Arrays;
import java.util.function.Consumer;
import org.retention4j.austen.Austen;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** Sessions that last, scene by scene. */
public final class SessionSuite {
  /** Scenes, each of which is a step of progress. */
  public static final int SCENES = 4;

  private static final int VOCABULARY = 256;
  private static final int PROMPT = 64;

  private final SessionEffort effort;
  private final SampleText text;
  private final int threads;
  private final long seed;
  private final Results results;

  /**
   * Prepares.
   *
   * @param threads of the engine
   * @param results where rows go
   */
  public SessionSuite(
      SessionEffort effort, SampleText text, int threads, long seed, Results results) {
    this.effort = effort;
    this.text = text;
    this.threads = threads;
    this.seed = seed;
    this.results = results;
  }

  /**
   * Measures all scenes, until two that must be the same are not.
   *
   * @param progress hears what comes next
   */
  public void run(Consumer<String> progress) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best())) {
      progress.accept("a session to a file and back, and marks");
      try (LanguageModel model = random(engine, manyStates())) {
        new SnapshotScene(effort, rows("snapshot")).run(model);
      }
      if (!results.equal()) {
        return;
      }
      try (LanguageModel model = Austen.load(engine)) {
        progress.accept("a prompt whose beginning is cached");
        new PrefixScene(effort, rows("prefix")).run(model, tokens(effort.promptTokens()));
        progress.accept("many clients");
        if (results.equal()) {
          new BatchScene(effort, rows("batch"))
              .run(model, Austen.tokenizer(), tokens(effort.promptTokens()), seed);
        }
      }
      progress.accept("guesses");
      if (results.equal()) {
        try (LanguageModel model = random(engine, manyWeights())) {
          new DraftScene(effort, rows("draft")).run(model, tokens(PROMPT));
        }
      }
    }
  }

  private SessionRows rows(String scope) {
    return new SessionRows(results, scope);
  }

  /** The text again and again, for it may be short. */
  private int[] tokens(int count) {
    int[] tokens = new int[count];
    Arrays.setAll(tokens, i -> text.token(i % text.length()));
    return tokens;
  }

  private LanguageModel random(Engine engine, DecoderConfig config) {
    return LanguageModel.random(engine, config, WeightType.BFLOAT16, seed);
  }

  /** States of 24 layers of 8 heads of 256 x 512, 100.7 MB, with few weights. */
  private DecoderConfig manyStates() {
    RetentionConfig block =
        RetentionConfig.builder(effort.wide() ? 512 : 64, 8)
            .keyWidth(effort.wide() ? 256 : 16)
            .valueWidth(effort.wide() ? 512 : 32)
            .build();
    return config(effort.wide() ? 24 : 2, block, effort.wide() ? 512 : 64);
  }

  /** 221 million parameters whose states are 27.5 MB. */
  private DecoderConfig manyWeights() {
    int width = effort.wide() ? 1024 : 64;
    return config(
        effort.wide() ? 12 : 2, RetentionConfig.torchscale(width, 4), effort.wide() ? 3264 : 128);
  }

  private static DecoderConfig config(int layers, RetentionConfig block, int feedForward) {
    LayerConfig layer =
        new LayerConfig(new RetentionMixerConfig(block), feedForward, Activation.SILU);
    return DecoderConfig.of(VOCABULARY, block.modelWidth(), DecoderConfig.uniform(layers, layer));
  }
}
