package org.retention4j.model;

import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.Activation;

/**
 * The shape of one decoder layer: a mixer, retention or attention, and a feed-forward.
 *
 * @param retention null in an attention layer
 * @param attention null in a retention layer
 * @param hidden I, the width inside the feed-forward
 * @param activation f of down( f(gate x) ⊙ up x )
 */
public record LayerConfig(
    RetentionConfig retention, AttentionConfig attention, int hidden, Activation activation) {
  /** Checks that there is one mixer. */
  public LayerConfig {
    if (retention == null == (attention == null)) {
      throw new IllegalArgumentException("expected either retention or attention in a layer");
    }
    if (hidden < 1) {
      throw new IllegalArgumentException("expected a feed-forward width >= 1, got " + hidden);
    }
  }

  /** Returns a retention layer. */
  public static LayerConfig of(RetentionConfig retention, int hidden, Activation activation) {
    return new LayerConfig(retention, null, hidden, activation);
  }

  /** Returns an attention layer. */
  public static LayerConfig of(AttentionConfig attention, int hidden, Activation activation) {
    return new LayerConfig(null, attention, hidden, activation);
  }

  /** Returns whether the mixer is retention. */
  public boolean retains() {
    return retention != null;
  }

  /** Returns D. */
  public int modelWidth() {
    return retains() ? retention.modelWidth() : attention.modelWidth();
  }

  /** Returns the number of weights, the norms' included. */
  public long parameters() {
    long mixer = retains() ? retention.parameters() : attention.parameters();
    return mixer + 3L * modelWidth() * hidden + 2L * modelWidth();
  }
}
