package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.retention4j.batch.BatchOptions;
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
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.Tokenizer;

/** A small model behind servers that are closed behind the test; all memory is given back. */
abstract class ServerFixture {
  static final int VOCABULARY = 256;
  static final ServerOptions OPTIONS =
      ServerOptions.DEFAULT
          .withAddress("127.0.0.1", 0)
          .withBatch(BatchOptions.DEFAULT.withSequences(6).withWaiting(6).withPromptTokens(64));

  static final Tokenizer TOKENIZER = new ByteTokenizer(VOCABULARY);

  LanguageModel model;
  private Engine engine;
  private long before;
  private final List<RetentionServer> servers = new ArrayList<>();

  @BeforeEach
  void openModel() {
    before = HeldMemory.liveBytes();
    engine = newEngine();
    model = model(engine);
  }

  LanguageModel model(Engine of) {
    return newModel(of, 4);
  }

  @AfterEach
  void freesEverything() {
    // Side by side: each waits a second for its last connections.
    servers.parallelStream().forEach(RetentionServer::close);
    model.close();
    engine.close();
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }

  static Engine newEngine() {
    return Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
  }

  static LanguageModel newModel(Engine engine, long seed) {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(32, 4, 2, 8, 10_000, 20, true), 40, Activation.SILU);
    DecoderConfig config =
        DecoderConfig.of(VOCABULARY, 32, DecoderConfig.everyKth(3, retention, 2, attention));
    return LanguageModel.random(engine, config, WeightType.FLOAT32, seed);
  }

  static ServedModel served(LanguageModel model) {
    return new ServedModel("tiny", model, TOKENIZER, Set.of(), OptionalInt.of(1));
  }

  RetentionServer server(ServerOptions options) {
    RetentionServer server = RetentionServer.start(served(model), options);
    servers.add(server);
    return server;
  }

  Client client(ServerOptions options) {
    return new Client(server(options).address().getPort());
  }

  /** A prompt of tokens as JSON writes it. */
  static String json(int[] tokens) {
    return IntStream.of(tokens)
        .mapToObj(String::valueOf)
        .collect(Collectors.joining(",", "[", "]"));
  }

  static int[] text(long seed, int length) {
    return new SplittableRandom(seed).ints(length, 0, VOCABULARY).toArray();
  }

  Generation alone(int[] prompt, int tokens, SamplingOptions sampling) {
    try (Session session = model.newSession()) {
      return new Generator(TOKENIZER)
          .generate(
              session,
              prompt,
              GenerationOptions.DEFAULT.withMaxTokens(tokens).withSampling(sampling),
              piece -> {});
    }
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long until = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(until);
      Thread.sleep(20);
    }
  }
}
