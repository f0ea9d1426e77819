package org.retention4j.model.stack;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.nn.Norm;

/**
 * x ← x + mixer(Norm(x)); x ← x + ffn(Norm(x)), with any token mixer, RMSNorms or LayerNorms.
 * Immutable; one layer serves many states.
 *
 * @since 0.1
 */
public final class DecoderLayer implements AutoCloseable {
  private final Engine engine;
  private final TokenMixer mixer;
  private final FeedForward feedForward;
  private final Norm mixerNorm;
  private final Norm feedForwardNorm;
  private volatile boolean closed;

  /**
   * Takes over a mixer and a feed-forward and closes them when it is closed.
   *
   * @param mixerNorm (D) weight of the norm before the mixer
   * @param feedForwardNorm (D) weight of the norm before the feed-forward
   * @param eps of both norms
   * @throws IllegalArgumentException if the widths differ
   */
  public DecoderLayer(
      Engine engine,
      TokenMixer mixer,
      FeedForward feedForward,
      double[] mixerNorm,
      double[] feedForwardNorm,
      double eps) {
    this(engine, mixer, feedForward, Norm.rms(mixerNorm, eps), Norm.rms(feedForwardNorm, eps));
  }

  /**
   * The same with norms of any kind.
   *
   * @param mixerNorm (D) before the mixer
   * @param feedForwardNorm (D) before the feed-forward
   */
  public DecoderLayer(
      Engine engine,
      TokenMixer mixer,
      FeedForward feedForward,
      Norm mixerNorm,
      Norm feedForwardNorm) {
    Args.present("norm before the mixer", mixerNorm);
    Args.present("norm before the feed-forward", feedForwardNorm);
    mixerNorm.requireWidth();
    feedForwardNorm.requireWidth();
    int width = mixer.config().modelWidth();
    if (feedForward.modelWidth() != width
        || mixerNorm.weight().length != width
        || feedForwardNorm.weight().length != width) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected width %d, the mixer's, got feed-forward %d and norms %d and %d",
              width,
              feedForward.modelWidth(),
              mixerNorm.weight().length,
              feedForwardNorm.weight().length));
    }
    this.engine = engine;
    this.mixer = mixer;
    this.feedForward = feedForward;
    this.mixerNorm = mixerNorm;
    this.feedForwardNorm = feedForwardNorm;
  }

  /** Returns the mixer. */
  public TokenMixer mixer() {
    return mixer;
  }

  int modelWidth() {
    return mixerNorm.weight().length;
  }

  /** Returns the number of weights, the norms' included. */
  public long parameters() {
    long norms = mixerNorm.weight().length + mixerNorm.bias().length;
    norms += feedForwardNorm.weight().length + feedForwardNorm.bias().length;
    return mixer.config().parameters() + feedForward.parameters() + norms;
  }

  /** Returns the bytes of the packed weights. */
  public long weightBytes() {
    return mixer.weights().bytes() + feedForward.weightBytes();
  }

  /** Returns the feed-forward. */
  public FeedForward feedForward() {
    return feedForward;
  }

  /** Returns the norm before the mixer. */
  public Norm mixerNorm() {
    return mixerNorm;
  }

  /** Returns the norm before the feed-forward. */
  public Norm feedForwardNorm() {
    return feedForwardNorm;
  }

  /**
   * Binds the layer to its arrays and state; {@link BoundLayer#step()} then allocates nothing once
   * it has seen its longest run.
   *
   * @param form in which the mixer takes tokens, see {@link TokenMixer#bind}
   * @param x (B,T,D) of the engine's type
   * @param state made by this layer's mixer for batch B, advanced in place
   * @param y (B,T,D), receives the outputs; may be x itself
   * @throws IllegalArgumentException if something does not fit, with what was expected
   */
  public BoundLayer bind(SequenceForm form, INDArray x, MixerState state, INDArray y) {
    check(x, y);
    return new BoundLayer(engine, this, true, form, x, state, y);
  }

  /**
   * Binds the mixer by itself, without norms, feed-forward and residual: for proofs.
   *
   * @see #bind
   */
  public BoundLayer bindMixer(SequenceForm form, INDArray x, MixerState state, INDArray y) {
    check(x, y);
    return new BoundLayer(engine, this, false, form, x, state, y);
  }

  private void check(INDArray x, INDArray y) {
    if (x.rank() != 3 || x.size(2) != modelWidth()) {
      throw new IllegalArgumentException(
          "expected x of shape (B,T," + modelWidth() + "), got " + Arrays.toString(x.shape()));
    }
    if (!Arrays.equals(x.shape(), y.shape())) {
      throw new IllegalArgumentException(
          "expected y of x's shape "
              + Arrays.toString(x.shape())
              + ", got "
              + Arrays.toString(y.shape()));
    }
    if (x.dataType() != engine.dataType() || y.dataType() != engine.dataType()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected x and y of type %s, the engine's, got %s and %s",
              engine.dataType(),
              x.dataType(),
              y.dataType()));
    }
    if (NdArrays.overlap(x, y) && !NdArrays.same(x, y)) {
      throw new IllegalArgumentException(
          "expected y to be x itself or to have memory of its own, got one that overlaps x");
    }
    requireOpen();
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this layer is closed");
    }
  }

  /** Frees the weights once no step is running. */
  @Override
  public void close() {
    engine.exclusively(
        () -> {
          closed = true;
          mixer.close();
          feedForward.close();
        });
  }
}
