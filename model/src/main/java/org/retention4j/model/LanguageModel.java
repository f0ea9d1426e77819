package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import org.retention4j.args.Args;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.DecoderPlan;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.model.stack.LmHead;
import org.retention4j.model.stack.TokenEmbedding;
import org.retention4j.nn.Init;
import org.retention4j.nn.Norm;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;
import org.retention4j.snapshot.Fingerprint;

/**
 * A decoder with its weights: tokens to logits. Immutable and shared by sessions on any number of
 * threads, each of which gets the same bits as it would alone.
 *
 * <p>Decoder layer (arXiv 2307.08621, equation 9): x += mixer(RMSNorm(x)); x += ffn(RMSNorm(x)).
 *
 * @since 0.1
 */
public final class LanguageModel implements AutoCloseable {
  private final Engine engine;
  private final DecoderConfig config;
  private final TokenEmbedding embedding;
  private final List<DecoderLayer> layers;
  private final LmHead head;
  private final PlanCache<DecoderPlan.Key, DecoderPlan> plans =
      new PlanCache<>(this::newPlan, DecoderPlan::bytes, DecoderPlan::discard);
  private final Object fingerprintLock = new Object();
  private Fingerprint fingerprint;
  private volatile boolean closed;

  /**
   * Takes over weights and closes them when it is closed. The engine stays the caller's.
   *
   * @param embedding (vocabulary, D)
   * @param embeddingNorm (D), empty without
   * @param layers as the configuration has them
   * @param head final norm (D) and output matrix (vocabulary, D)
   * @throws IllegalArgumentException if a part does not fit the configuration
   */
  public LanguageModel(
      Engine engine,
      DecoderConfig config,
      RowTable embedding,
      Optional<double[]> embeddingNorm,
      List<DecoderLayer> layers,
      LmHead head) {
    int d = config.modelWidth();
    WeightSpec.matrix("embedding", config.vocabulary(), d)
        .checkShape(new long[] {embedding.rows(), embedding.columns()});
    WeightSpec.matrix("output", config.vocabulary(), d).check(head.output());
    if (config.embeddingNorm()) {
      WeightSpec.norm("embedding norm", d).check(embeddingNorm.orElse(null));
    } else if (embeddingNorm.isPresent()) {
      throw new IllegalArgumentException(
          "expected no embedding norm weights without such a norm, got "
              + embeddingNorm.get().length);
    }
    if (layers.size() != config.layers().size()) {
      throw new IllegalArgumentException(
          "expected " + config.layers().size() + " layers, got " + layers.size());
    }
    for (int i = 0; i < layers.size(); i++) {
      MixerConfig expected = config.layers().get(i).mixer();
      MixerConfig got = layers.get(i).mixer().config();
      if (!got.equals(expected)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected layer %d to mix as the configuration has it, %s, got %s",
                i,
                expected.describe(),
                got.describe()));
      }
    }
    this.engine = engine;
    this.config = config;
    this.embedding =
        new TokenEmbedding(embedding, config.embeddingScale(), embeddingNorm, config.normEps());
    this.layers = List.copyOf(layers);
    this.head = head;
  }

  /** Returns a model with seeded random weights, uniform with variance 1/in, and norms of 1. */
  public static LanguageModel random(
      Engine engine, DecoderConfig config, WeightType type, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    int d = config.modelWidth();
    List<DecoderLayer> layers = new ArrayList<>();
    for (LayerConfig layer : config.layers()) {
      TokenMixer mixer = layer.mixer().create(WeightSource.random(engine, type, seeds.nextLong()));
      FeedForward feedForward =
          FeedForward.of(layer.feedForward(), WeightSource.random(engine, type, seeds.nextLong()));
      Norm norm = Norm.plain(layer.norm(), d, config.normEps());
      layers.add(new DecoderLayer(engine, mixer, feedForward, norm, norm));
    }
    var table = Init.uniform(seeds.split(), config.vocabulary(), d);
    var out = config.tiedOutput() ? table : Init.uniform(seeds.split(), config.vocabulary(), d);
    return new LanguageModel(
        engine,
        config,
        engine.newTable(table, type.tableType()),
        config.embeddingNorm() ? Optional.of(ones(d)) : Optional.empty(),
        layers,
        new LmHead(engine, ones(d), config.normEps(), engine.pack(out, type)));
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
    return streamedBytes() + embedding.table().bytes();
  }

  /** Returns the bytes of weights that a decoding step reads: all but the embedding table. */
  public long streamedBytes() {
    return head.output().bytes() + layers.stream().mapToLong(DecoderLayer::weightBytes).sum();
  }

  /** Returns the embedding table, which stays the model's. */
  public RowTable embedding() {
    return embedding.table();
  }

  /** Returns the weight (D) of the norm behind the embedding, empty without; not to be changed. */
  public Optional<double[]> embeddingNorm() {
    return embedding.norm();
  }

  /** Returns the final norm and the output matrix, which stay the model's. */
  public LmHead head() {
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
   * @throws IllegalArgumentException if batch &lt; 1 or options are null
   * @throws IllegalStateException after close
   */
  public Session newSession(int batch, SessionOptions options) {
    requireOpen();
    Args.present("options of a session", options);
    return new Session(this, batch, options);
  }

  /**
   * Returns texts as vectors: the mean, over all tokens of a text, of what the last layer makes of
   * them behind the final norm. Texts that are alike have vectors of similar direction, as far as
   * the model has learned it: one that was trained to continue texts was not trained for this.
   *
   * @param texts N of them, each of at least one token
   * @return (N,D)
   * @throws IllegalArgumentException for a text without tokens, or one that does not fit
   * @throws java.util.concurrent.CancellationException if the thread is interrupted
   */
  public float[][] embed(int[]... texts) {
    requireOpen();
    return TextVectors.of(this, Args.present("texts", texts));
  }

  /**
   * Returns the fingerprint of configuration and weights, equal for equal models in engines of
   * either type; computed at the first call, which reads all weights once.
   */
  public Fingerprint fingerprint() {
    requireOpen();
    synchronized (fingerprintLock) {
      if (fingerprint == null) {
        fingerprint = ModelFingerprint.of(this);
      }
      return fingerprint;
    }
  }

  /**
   * Goes on from a file that {@link Session#save(Path)} wrote, to the bit where the engine is the
   * same. {@link Session#position} says where it stands.
   *
   * @throws org.retention4j.snapshot.SnapshotException if it is damaged, or another model's
   * @throws IOException if it cannot be read
   */
  public Session restore(Path path, RestoreOptions options) throws IOException {
    try (Snapshot snapshot = readSnapshot(path, options)) {
      return restore(snapshot, options.session());
    }
  }

  /** Goes on from what a channel holds, which stays the caller's, at the byte behind it. */
  public Session restore(ReadableByteChannel from, RestoreOptions options) throws IOException {
    try (Snapshot snapshot = readSnapshot(from, options)) {
      return restore(snapshot, options.session());
    }
  }

  /** Goes on from a snapshot, which stays as it is. */
  public Session restore(Snapshot snapshot, SessionOptions options) {
    requireOpen();
    Args.present("options of a session", options);
    return new Session(this, options, Args.present("a snapshot", snapshot));
  }

  /**
   * Reads a file that {@link Session#save(Path)} wrote; see {@link #restore(Path, RestoreOptions)}.
   */
  public Snapshot readSnapshot(Path path, RestoreOptions options) throws IOException {
    requireOpen();
    Args.present("options", options);
    return SnapshotFiles.read(
        path, (channel, length) -> Snapshot.read(this, channel, length, options));
  }

  /** Reads what a channel holds; see {@link #restore(ReadableByteChannel, RestoreOptions)}. */
  public Snapshot readSnapshot(ReadableByteChannel from, RestoreOptions options)
      throws IOException {
    requireOpen();
    Args.present("options", options);
    return Snapshot.read(this, from, -1, options);
  }

  /** Returns into which micro-batches all layers let a sequence be cut. */
  MicroBatches microBatches(SequenceForm form) {
    return LayerConfig.microBatches(config.layers(), form);
  }

  /** Takes the plan of a shape, under the engine's lock; it is to be released. */
  DecoderPlan enter(DecoderPlan.Key key) {
    requireOpen();
    DecoderPlan plan = plans.plan(key);
    for (DecoderPlan.Key other = key; !plan.take(); ) { // whoever has it is in a callback
      other = other.next();
      plan = plans.plan(other);
    }
    return plan;
  }

  private DecoderPlan newPlan(DecoderPlan.Key key) {
    return new DecoderPlan(engine, embedding, layers, head, key, this::requireOpen);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this language model is closed");
    }
  }

  /**
   * Frees the weights once no step is running; sessions cannot go on, nor can a call that is
   * between two micro-batches or in a callback.
   */
  @Override
  public void close() {
    engine.exclusively(
        () -> {
          closed = true;
          plans.clear();
          layers.forEach(DecoderLayer::close);
          embedding.close();
          head.close();
        });
  }
}
