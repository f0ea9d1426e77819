package org.retention4j.nn;

import org.retention4j.args.Args;

/**
 * A norm over the channels of a token, which has a weight.
 *
 * @param kind RMS, or mean-subtracting
 * @param bias whether a bias is added to what was normed
 * @since 0.1
 */
public record NormConfig(NormKind kind, boolean bias) {
  /** RMSNorm with a weight. */
  public static final NormConfig RMS = new NormConfig(NormKind.RMS, false);

  /** LayerNorm with a weight and a bias. */
  public static final NormConfig LAYER = new NormConfig(NormKind.LAYER, true);

  /** Checks that there is a kind. */
  public NormConfig {
    Args.present("kind of a norm", kind);
  }
}
