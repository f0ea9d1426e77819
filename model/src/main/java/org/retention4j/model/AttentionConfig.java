package org.retention4j.model;

/**
 * The shape of a causal softmax attention.
 *
 * @param modelWidth D
 * @param heads query heads
 * @param kvHeads key/value heads, divide heads
 * @param headWidth width of a head, even
 * @param ropeBase base of the rotary embedding, 10000 by default in the checkpoints
 * @param window how many of the last tokens a token sees, itself included; {@link #UNBOUNDED} for
 *     all
 * @param bias whether queries, keys and values have a bias
 */
public record AttentionConfig(
    int modelWidth,
    int heads,
    int kvHeads,
    int headWidth,
    double ropeBase,
    int window,
    boolean bias) {
  /** The window of a token that sees all earlier ones. */
  public static final int UNBOUNDED = Integer.MAX_VALUE;

  /** Checks that the parts fit together. */
  public AttentionConfig {
    if (modelWidth < 1 || heads < 1 || kvHeads < 1 || headWidth < 1) {
      throw new IllegalArgumentException(
          String.format(
              "expected sizes >= 1, got modelWidth %d, heads %d, kvHeads %d, headWidth %d",
              modelWidth, heads, kvHeads, headWidth));
    }
    if (heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "expected kvHeads to divide heads = " + heads + ", got " + kvHeads);
    }
    if (headWidth % 2 != 0) {
      throw new IllegalArgumentException("rotation needs an even head width, got " + headWidth);
    }
    if (!(ropeBase > 0) || Double.isInfinite(ropeBase)) {
      throw new IllegalArgumentException("expected a finite ropeBase > 0, got " + ropeBase);
    }
    if (window < 1) {
      throw new IllegalArgumentException("expected a window >= 1, got " + window);
    }
  }

  /** Makes an attention without a window and without biases. */
  public AttentionConfig(int modelWidth, int heads, int kvHeads, int headWidth, double ropeBase) {
    this(modelWidth, heads, kvHeads, headWidth, ropeBase, UNBOUNDED, false);
  }

  /**
   * Returns multi-head attention with D/heads wide heads and base 10000.
   *
   * @throws IllegalArgumentException if heads do not divide D into even widths
   */
  public static AttentionConfig multiHead(int modelWidth, int heads) {
    if (heads < 1 || modelWidth % heads != 0) {
      throw new IllegalArgumentException(
          "expected heads to divide modelWidth = " + modelWidth + ", got " + heads);
    }
    return new AttentionConfig(modelWidth, heads, heads, modelWidth / heads, 10_000);
  }

  /** Returns whether a token sees only some of the earlier ones. */
  public boolean windowed() {
    return window != UNBOUNDED;
  }

  /** Returns the number of weights. */
  public long parameters() {
    long biases = bias ? (long) headWidth * (heads + 2L * kvHeads) : 0;
    return 2L * modelWidth * headWidth * (heads + kvHeads) + biases;
  }
}
