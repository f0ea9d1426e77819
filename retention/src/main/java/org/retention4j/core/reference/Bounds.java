package org.retention4j.core.reference;

import org.retention4j.engine.ops.ElementType;

/**
 * How far results may be from what they are held to, as relative errors of a head (see {@link
 * RelativeError}); a single token may be {@value #TOKEN_FACTOR} times as far off. They are tight on
 * purpose: at 1e-4 a model passes without its scale of the scores.
 *
 * @since 0.1
 */
public final class Bounds {
  /** The largest error of a single token is at most so many times that of a head. */
  public static final double TOKEN_FACTOR = 4;

  /** Up to so many tokens the tighter bound of fp32 holds. */
  public static final int LONG = 4096;

  private static final double FLOAT64_CONSTANT_DECAY = 1e-13;
  private static final double FLOAT64 = 1e-12;
  private static final double FLOAT32 = 2e-6;
  private static final double FLOAT32_WIDER = 5e-6;

  private Bounds() {}

  /**
   * Returns the bound of the core in any form, outputs before the head norm and states, against
   * float64 on the same q, k and v.
   *
   * @param constantDecay whether the log decay is constant per head
   * @param tokens T, counted from where the state was zero or given
   */
  public static double core(ElementType type, boolean constantDecay, long tokens) {
    if (type == ElementType.FLOAT64) {
      return constantDecay ? FLOAT64_CONSTANT_DECAY : FLOAT64;
    }
    return tokens <= LONG ? FLOAT32 : FLOAT32_WIDER;
  }

  /**
   * Returns the bound between two forms, any split and any chunk size: in float64 as for {@link
   * #core}; in fp32 twice that, for each of the two may be off to its own side.
   *
   * @see #core
   */
  public static double forms(ElementType type, boolean constantDecay, long tokens) {
    double one = core(type, constantDecay, tokens);
    return type == ElementType.FLOAT64 ? one : 2 * one;
  }

  /**
   * Returns the bound of a mixer, a layer or a whole model, outputs and states, against float64 on
   * the same weights, which may be bf16.
   */
  public static double model(ElementType type) {
    return type == ElementType.FLOAT64 ? FLOAT64 : FLOAT32_WIDER;
  }

  /**
   * Returns the bound of a whole model in torchscale's conventions, which loses less: it divides
   * the outputs of retention by √s_p.
   *
   * @see #model
   */
  public static double torchscaleModel(ElementType type) {
    return type == ElementType.FLOAT64 ? FLOAT64 : FLOAT32;
  }
}
