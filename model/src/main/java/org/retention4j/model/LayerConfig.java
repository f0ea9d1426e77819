package org.retention4j.model;

import java.util.List;
import org.retention4j.args.Args;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.stack.FeedForward;
import org.retention4j.nn.Norm;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.WeightSpec;

/**
 * The shape of one decoder layer: a mixer and a feed-forward, each behind a norm.
 *
 * @param mixer lets tokens see earlier tokens
 * @param hidden I, the width inside the feed-forward
 * @param activation f of the feed-forward
 * @param gated whether the feed-forward is down( f(gate x) ⊙ up x ), or down( f(up x) )
 * @param feedForwardBias whether the feed-forward's products have biases
 * @param norm of both norms
 * @since 0.1
 */
public record LayerConfig(
    MixerConfig mixer,
    int hidden,
    Activation activation,
    boolean gated,
    boolean feedForwardBias,
    NormConfig norm) {
  /** Checks the parts. */
  public LayerConfig {
    if (mixer == null || activation == null) {
      throw new IllegalArgumentException(
          "expected a mixer and an activation, got " + mixer + " and " + activation);
    }
    if (hidden < 1) {
      throw new IllegalArgumentException("expected a feed-forward width >= 1, got " + hidden);
    }
    Args.present("norm of a layer", norm);
  }

  /** A gated feed-forward without biases and RMSNorms: what language models have. */
  public LayerConfig(MixerConfig mixer, int hidden, Activation activation) {
    this(mixer, hidden, activation, true, false, NormConfig.RMS);
  }

  /** Returns this layer with a plain feed-forward down( f(up x) ) in the place of a gated one. */
  public LayerConfig withPlainFeedForward() {
    return new LayerConfig(mixer, hidden, activation, false, feedForwardBias, norm);
  }

  /** Returns this layer with biases of the feed-forward's products, or without. */
  public LayerConfig withFeedForwardBias(boolean value) {
    return new LayerConfig(mixer, hidden, activation, gated, value, norm);
  }

  /** Returns this layer with other norms. */
  public LayerConfig withNorm(NormConfig other) {
    return new LayerConfig(mixer, hidden, activation, gated, feedForwardBias, other);
  }

  /** Returns into which micro-batches all layers let a sequence be cut. */
  static MicroBatches microBatches(List<LayerConfig> layers, SequenceForm form) {
    MicroBatches all = MicroBatches.FULL;
    for (LayerConfig layer : layers) {
      all = all.and(layer.mixer().microBatches(form));
    }
    return all;
  }

  /** Returns D. */
  public int modelWidth() {
    return mixer.modelWidth();
  }

  /** Returns what the feed-forward is like. */
  public FeedForward.Shape feedForward() {
    return new FeedForward.Shape(modelWidth(), hidden, activation, gated, feedForwardBias);
  }

  /** Returns the number of weights, the norms' included. */
  public long parameters() {
    long norms =
        2 * Norm.weights(norm, "", modelWidth()).stream().mapToLong(WeightSpec::elements).sum();
    return mixer.parameters() + feedForward().parameters() + norms;
  }
}
