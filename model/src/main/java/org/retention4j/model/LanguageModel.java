package org.retention4j.model;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionForm;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionWeights;
import org.retention4j.engine.EmbeddingTable;
import org.retention4j.engine.Engine;
import org.retention4j.engine.WeightType;

/**
 * A decoder with its weights: tokens to logits. Immutable and shared by sessions on any number of
 * threads, each of which gets the same bits as it would alone.
 *
 * <p>Decoder layer (arXiv 2307.08621, equation 9): x += mixer(RMSNorm(x)); x += ffn(RMSNorm(x)).
 */
public final class LanguageModel implements AutoCloseable {
  /** Bindings kept for reuse, each of a batch size and a piece length: so many at most. */
  private static final int KEPT_PASSES = 16;

  /** What they may hold beside the one in use: a large model's for prompts go while it decodes. */
  private static final long KEPT_BYTES = 32L << 20;

  private final Engine engine;
  private final DecoderConfig config;
  private final EmbeddingTable embedding;
  private final double[] embeddingNorm;
  private final List<DecoderLayer> layers;
  private final OutputHead head;
  private final Map<PassKey, StackPass> passes = new LinkedHashMap<>(16, 0.75f, true);
  private StackPass lastUsed;
  private volatile boolean closed;

  /** What bindings are made for, and which of several such: one is in use while callbacks run. */
  record PassKey(
      RetentionForm form, int batch, int tokens, boolean bfloat16Products, int number) {
    PassKey(RetentionForm form, int batch, int tokens, boolean bfloat16Products) {
      this(form, batch, tokens, bfloat16Products, 0);
    }

    PassKey next() {
      return new PassKey(form, batch, tokens, bfloat16Products, number + 1);
    }
  }

  /**
   * Takes over weights and closes them when it is closed. The engine stays the caller's.
   *
   * @param embedding (vocabulary, D)
   * @param embeddingNorm (D), or null without
   * @param layers as the configuration has them
   * @param head final norm (D) and output matrix (vocabulary, D)
   * @throws IllegalArgumentException if a part does not fit the configuration
   */
  public LanguageModel(
      Engine engine,
      DecoderConfig config,
      EmbeddingTable embedding,
      double[] embeddingNorm,
      List<DecoderLayer> layers,
      OutputHead head) {
    check("embedding", embedding.rows(), embedding.columns(), config);
    check("output", head.output().outputs(), head.output().inputs(), config);
    if (config.embeddingNorm() != (embeddingNorm != null)
        || (embeddingNorm != null && embeddingNorm.length != config.modelWidth())) {
      throw new IllegalArgumentException(
          "expected norms of " + config.modelWidth() + " weights as the configuration has them");
    }
    if (layers.size() != config.layers().size()) {
      throw new IllegalArgumentException(
          "expected " + config.layers().size() + " layers, got " + layers.size());
    }
    for (int i = 0; i < layers.size(); i++) {
      boolean retains = layers.get(i).mixer() instanceof RetentionMixer;
      if (retains != config.layers().get(i).retains()) {
        throw new IllegalArgumentException(
            String.format(
                "expected layer %d to be one of %s as the configuration has it, got %s",
                i, retains ? "attention" : "retention", layers.get(i).mixer().name()));
      }
    }
    this.engine = engine;
    this.config = config;
    this.embedding = embedding;
    this.embeddingNorm = embeddingNorm == null ? null : embeddingNorm.clone();
    this.layers = List.copyOf(layers);
    this.head = head;
  }

  private static void check(String name, int rows, int columns, DecoderConfig config) {
    if (rows != config.vocabulary() || columns != config.modelWidth()) {
      throw new IllegalArgumentException(
          String.format(
              "expected an %s matrix of shape [%d, %d], got [%d, %d]",
              name, config.vocabulary(), config.modelWidth(), rows, columns));
    }
  }

  /** Returns a model with seeded random weights, uniform with variance 1/in, and norms of 1. */
  public static LanguageModel random(
      Engine engine, DecoderConfig config, WeightType type, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    int d = config.modelWidth();
    WeightType tableType = type == WeightType.INT8 ? WeightType.BFLOAT16 : type;
    List<DecoderLayer> layers = new ArrayList<>();
    for (LayerConfig layer : config.layers()) {
      TokenMixer mixer =
          layer.retains()
              ? new RetentionMixer(
                  engine,
                  RetentionWeights.random(engine, layer.retention(), type, seeds.nextLong()),
                  new ChunkwiseForm())
              : AttentionMixer.random(engine, layer.attention(), type, seeds.nextLong());
      FeedForward feedForward =
          FeedForward.random(engine, d, layer.hidden(), layer.activation(), type, seeds.nextLong());
      layers.add(new DecoderLayer(engine, mixer, feedForward, ones(d), ones(d), config.normEps()));
    }
    var table = RetentionParameters.uniform(seeds.split(), config.vocabulary(), d);
    var out =
        config.tiedOutput()
            ? table
            : RetentionParameters.uniform(seeds.split(), config.vocabulary(), d);
    return new LanguageModel(
        engine,
        config,
        new EmbeddingTable(engine.source(table), tableType),
        config.embeddingNorm() ? ones(d) : null,
        layers,
        new OutputHead(engine, ones(d), config.normEps(), engine.pack(out, type)));
  }

  private static double[] ones(int n) {
    double[] ones = new double[n];
    java.util.Arrays.fill(ones, 1);
    return ones;
  }

  /** Returns the engine. */
  public Engine engine() {
    return engine;
  }

  /** Returns the configuration. */
  public DecoderConfig config() {
    return config;
  }

  /** Returns the layers. */
  public List<DecoderLayer> layers() {
    return layers;
  }

  /** Returns the bytes of all weights held. */
  public long weightBytes() {
    return streamedBytes() + embedding.bytes();
  }

  /** Returns the bytes of weights that a decoding step reads: all but the embedding table. */
  public long streamedBytes() {
    return head.output().bytes() + layers.stream().mapToLong(DecoderLayer::weightBytes).sum();
  }

  /** Returns the embedding table, which stays the model's. */
  public EmbeddingTable embedding() {
    return embedding;
  }

  double[] embeddingNorm() {
    return embeddingNorm;
  }

  /** Returns the final norm and the output matrix, which stay the model's. */
  public OutputHead head() {
    return head;
  }

  /** Returns a session of one sequence. */
  public Session newSession() {
    return newSession(1, SessionOptions.DEFAULT);
  }

  /**
   * Returns a session of sequences that have seen nothing.
   *
   * @param batch B, at least 1
   * @throws IllegalStateException after close
   */
  public Session newSession(int batch, SessionOptions options) {
    requireOpen();
    return new Session(this, batch, options);
  }

  /** Takes bindings of a shape, under the engine's lock; they are to be released. */
  StackPass enter(PassKey key) {
    requireOpen();
    StackPass pass = pass(key);
    for (PassKey other = key; !pass.take(); ) {
      other = other.next();
      pass = pass(other);
    }
    return pass;
  }

  private StackPass pass(PassKey key) {
    StackPass pass = passes.get(key);
    if (pass == null) {
      forget(null, KEPT_PASSES - 1);
      pass = new StackPass(this, key);
      passes.put(key, pass);
    } else if (pass != lastUsed) {
      forget(pass, KEPT_PASSES);
    }
    lastUsed = pass;
    return pass;
  }

  /** Closes the bindings that were not used for longest until few enough are left beside one. */
  private void forget(StackPass used, int count) {
    long held = 0;
    for (StackPass pass : passes.values()) {
      held += pass == used ? 0 : pass.bytes();
    }
    Iterator<StackPass> eldest = passes.values().iterator();
    while (eldest.hasNext() && (passes.size() > count || held > KEPT_BYTES)) {
      StackPass pass = eldest.next();
      if (pass != used) {
        held -= pass.bytes();
        pass.discard();
        eldest.remove();
      }
    }
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this language model is closed");
    }
  }

  /**
   * Frees the weights once no step is running; sessions cannot go on, nor can a call that is
   * between two pieces or in a callback.
   */
  @Override
  public void close() {
    engine.exclusively(
        () -> {
          closed = true;
          passes.values().forEach(StackPass::discard);
          passes.clear();
          layers.forEach(DecoderLayer::close);
          embedding.close();
          head.close();
        });
  }
}
