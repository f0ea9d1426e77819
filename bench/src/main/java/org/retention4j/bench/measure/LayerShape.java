package org.retention4j.bench.measure;

/**
 * A retention layer and a Transformer layer of as many weights.
 *
 * @param modelWidth D
 * @param heads H of retention
 * @param keyWidth K per head
 * @param valueWidth V per head
 * @param feedForward hidden width of retention's SwiGLU
 * @param attentionHeads heads of softmax attention, each with its own keys and values
 * @param attentionWidth width of such a head
 * @param attentionFeedForward hidden width of the Transformer's SwiGLU
 */
public record LayerShape(
    int modelWidth,
    int heads,
    int keyWidth,
    int valueWidth,
    int feedForward,
    int attentionHeads,
    int attentionWidth,
    int attentionFeedForward) {

  /** The layer of the paper's 1.3B model (arXiv 2307.08621) and its Transformer. */
  public static final LayerShape PAPER = new LayerShape(2048, 8, 256, 512, 2816, 16, 128, 5504);

  /** Returns f = V/K. */
  public double valueFactor() {
    return (double) valueWidth / keyWidth;
  }

  /** Returns the weights of the retention block's matrices, 8D² in the paper. */
  public long retentionWeights() {
    long d = modelWidth;
    return 2 * d * heads * keyWidth + 3 * d * heads * valueWidth;
  }

  /** Returns the weights of softmax attention's matrices, 4D². */
  public long attentionWeights() {
    return 4L * modelWidth * attentionHeads * attentionWidth;
  }

  /** Returns the weights of a SwiGLU. */
  public long feedForwardWeights(int hidden) {
    return 3L * modelWidth * hidden;
  }

  /** Returns the weights of the retention layer's matrices. */
  public long retentionLayerWeights() {
    return retentionWeights() + feedForwardWeights(feedForward);
  }

  /** Returns the weights of the Transformer layer's matrices. */
  public long attentionLayerWeights() {
    return attentionWeights() + feedForwardWeights(attentionFeedForward);
  }

  /** Returns the bytes of one sequence's fp32 state in one layer. */
  public long stateBytes() {
    return Formulas.stateBytes(1, heads, keyWidth, valueWidth, Float.BYTES);
  }

  /** Returns the bytes of one sequence's fp32 cache of {@code tokens} tokens in one layer. */
  public long cacheBytes(long tokens) {
    return Formulas.cacheBytes(1, attentionHeads, attentionWidth, tokens, Float.BYTES);
  }
}
