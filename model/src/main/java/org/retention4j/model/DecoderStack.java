package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.core.BlockInput;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.Norm;
import org.retention4j.nn.WeightSource;
import org.retention4j.snapshot.Fingerprint;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;

/**
 * Decoder layers over frames: vectors of D numbers go in and come out, as in streaming speech
 * models. Immutable; one stack serves many sessions and threads.
 *
 * <pre>
 * x += mixer(Norm(x)); x += feedForward(Norm(x))    for each layer; then Norm(x) where configured
 * </pre>
 *
 * @since 0.1
 */
public final class DecoderStack implements AutoCloseable {
  static final String MIXER_NORM = "mixer norm";
  static final String FEED_FORWARD_NORM = "feed-forward norm";
  static final String FEED_FORWARD = "feed-forward ";

  private final Engine engine;
  private final StackConfig config;
  private final List<DecoderLayer> layers;
  private final Norm finalNorm;
  private final PlanCache<FramePlan.Key, FramePlan> plans =
      new PlanCache<>(key -> new FramePlan(this, key), FramePlan::bytes, FramePlan::close);
  private final Object fingerprintLock = new Object();
  private Fingerprint fingerprint;
  private volatile boolean closed;

  private DecoderStack(
      Engine engine, StackConfig config, List<DecoderLayer> layers, Norm finalNorm) {
    this.engine = engine;
    this.config = config;
    this.layers = List.copyOf(layers);
    this.finalNorm = finalNorm;
  }

  /**
   * Takes the weights that a configuration asks for, see {@link StackConfig#weights}, packed for
   * the source's engine, and closes them when it is closed. The engine stays the caller's.
   *
   * @throws IllegalArgumentException if a weight is missing or does not fit; nothing stays held
   */
  public static DecoderStack of(StackConfig config, WeightSource source) {
    Args.present("config", config);
    Args.present("source", source);
    List<DecoderLayer> layers = new ArrayList<>();
    boolean whole = false;
    try {
      for (int i = 0; i < config.layers().size(); i++) {
        layers.add(layer(config, i, source.part(StackConfig.layer(i))));
      }
      Norm last =
          config
              .finalNorm()
              .map(n -> Norm.take(n, "norm", config.modelWidth(), config.normEps(), source))
              .orElse(null);
      whole = true;
      return new DecoderStack(source.engine(), config, layers, last);
    } finally {
      if (!whole) {
        layers.forEach(DecoderLayer::close);
      }
    }
  }

  private static DecoderLayer layer(StackConfig config, int index, WeightSource source) {
    LayerConfig layer = config.layers().get(index);
    int d = config.modelWidth();
    Norm mixerNorm = Norm.take(layer.norm(), MIXER_NORM, d, config.normEps(), source);
    TokenMixer mixer = layer.mixer().create(source);
    boolean whole = false;
    try {
      Norm norm = Norm.take(layer.norm(), FEED_FORWARD_NORM, d, config.normEps(), source);
      FeedForward feedForward = FeedForward.of(layer.feedForward(), source.part(FEED_FORWARD));
      whole = true;
      return new DecoderLayer(source.engine(), mixer, feedForward, mixerNorm, norm);
    } finally {
      if (!whole) {
        mixer.close();
      }
    }
  }

  /** Returns a stack of seeded random weights: to try things out. */
  public static DecoderStack random(Engine engine, StackConfig config, WeightType type, long seed) {
    Args.present("engine", engine);
    Args.present("type", type);
    return of(config, WeightSource.random(engine, type, seed));
  }

  /** Returns the engine. */
  public Engine engine() {
    return engine;
  }

  /** Returns the configuration. */
  public StackConfig config() {
    return config;
  }

  /** Returns the layers, which stay the stack's. */
  public List<DecoderLayer> layers() {
    return layers;
  }

  /** Returns the bytes of all weights held. */
  public long weightBytes() {
    return layers.stream().mapToLong(DecoderLayer::weightBytes).sum();
  }

  /** Returns a session of one sequence of frames. */
  public FrameSession newSession() {
    return newSession(1, SessionOptions.DEFAULT);
  }

  /**
   * Returns a session of sequences that have seen nothing.
   *
   * @param batch B, at least 1
   * @throws IllegalArgumentException if batch &lt; 1 or options are null
   * @throws IllegalStateException after close
   */
  public FrameSession newSession(int batch, SessionOptions options) {
    requireOpen();
    Args.present("options of a session", options);
    return new FrameSession(this, options, SequenceStates.of(layers, batch, options.cache()));
  }

  /**
   * Returns the fingerprint of configuration and weights, see {@link LanguageModel#fingerprint}.
   */
  public Fingerprint fingerprint() {
    requireOpen();
    synchronized (fingerprintLock) {
      if (fingerprint == null) {
        fingerprint = ModelFingerprint.of(config, layers, Optional.ofNullable(finalNorm));
      }
      return fingerprint;
    }
  }

  /**
   * Goes on from a file that {@link FrameSession#save(Path, SaveOptions)} wrote.
   *
   * @throws org.retention4j.snapshot.SnapshotException if it is damaged, or another stack's
   * @throws IOException if it cannot be read
   */
  public FrameSession restore(Path path, RestoreOptions options) throws IOException {
    return SnapshotFiles.read(path, (channel, length) -> restore(channel, length, options));
  }

  /** Goes on from what a channel holds, which stays the caller's, at the byte behind it. */
  public FrameSession restore(ReadableByteChannel from, RestoreOptions options) throws IOException {
    return restore(from, -1, options);
  }

  private FrameSession restore(ReadableByteChannel from, long length, RestoreOptions options)
      throws IOException {
    requireOpen();
    Args.present("options", options);
    SnapshotReader reader = new SnapshotReader(from, length, options.mostBytes());
    reader.require(SnapshotHeader.FRAMES, fingerprint());
    SequenceStates states = SnapshotSections.readStates(reader, layers, options);
    try {
      reader.finish();
      return new FrameSession(this, options.session(), states);
    } catch (IOException | RuntimeException e) {
      states.close();
      throw e;
    }
  }

  /**
   * Runs the stack over whole sequences of frames from their beginning.
   *
   * @param frames (B,T,D)
   * @return outputs (B,T,D), a new array
   */
  public INDArray forward(INDArray frames) {
    BlockInput input = FrameChecks.frames(frames);
    if (frames.size(2) != config.modelWidth()) {
      throw new IllegalArgumentException(
          "expected frames of shape (B,T,"
              + config.modelWidth()
              + "), got "
              + Arrays.toString(frames.shape()));
    }
    INDArray outputs = Nd4j.create(engine.dataType(), frames.shape());
    if (frames.size(0) > 0) {
      try (FrameSession session =
          newSession(Math.toIntExact(frames.size(0)), SessionOptions.DEFAULT)) {
        session.append(input, outputs);
      }
    }
    return outputs;
  }

  /** Returns into which micro-batches all layers let a sequence be cut. */
  MicroBatches microBatches(SequenceForm form) {
    return LayerConfig.microBatches(config.layers(), form);
  }

  /** Returns the norm behind the layers, null for none. */
  Norm finalNorm() {
    return finalNorm;
  }

  /** Returns a plan, under the engine's lock. */
  FramePlan plan(FramePlan.Key key) {
    requireOpen();
    return plans.plan(key);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this decoder stack is closed");
    }
  }

  /** Frees the weights once no step is running; sessions cannot go on. */
  @Override
  public void close() {
    engine.exclusively(
        () -> {
          closed = true;
          plans.clear();
          layers.forEach(DecoderLayer::close);
        });
  }
}
