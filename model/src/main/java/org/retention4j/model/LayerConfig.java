package org.retention4j.model;

import org.retention4j.engine.ops.Activation;
import org.retention4j.model.mixer.MixerConfig;

/**
 * The shape of one decoder layer: a mixer and a feed-forward.
 *
 * @param mixer lets tokens see earlier tokens
 * @param hidden I, the width inside the feed-forward
 * @param activation f of down( f(gate x) ⊙ up x )
 * @since 0.1
 */
public record LayerConfig(MixerConfig mixer, int hidden, Activation activation) {
  /** Checks the parts. */
  public LayerConfig {
    if (mixer == null || activation == null) {
      throw new IllegalArgumentException(
          "expected a mixer and an activation, got " + mixer + " and " + activation);
    }
    if (hidden < 1) {
      throw new IllegalArgumentException("expected a feed-forward width >= 1, got " + hidden);
    }
  }

  /** Returns D. */
  public int modelWidth() {
    return mixer.modelWidth();
  }

  /** Returns the number of weights, the norms' included. */
  public long parameters() {
    return mixer.parameters() + 3L * modelWidth() * hidden + 2L * modelWidth();
  }
}
