package org.retention4j.model;

/**
 * The shape of a causal softmax attention.
 *
 * @param modelWidth D
 * @param heads query heads
 * @param kvHeads key/value heads, divide heads
 * @param headWidth width of a head, even
 * @param ropeBase base of the rotary embedding, 10000 by default in the checkpoints
 */
public record AttentionConfig(
    int modelWidth, int heads, int kvHeads, int headWidth, double ropeBase) {
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
  }

  /** Returns multi-head attention with D/heads wide heads and base 10000. */
  public static AttentionConfig multiHead(int modelWidth, int heads) {
    return new AttentionConfig(modelWidth, heads, heads, modelWidth / heads, 10_000);
  }

  /** Returns the number of weights. */
  public long parameters() {
    return 2L * modelWidth * headWidth * (heads + kvHeads);
  }
}
