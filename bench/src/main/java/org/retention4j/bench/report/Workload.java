package org.retention4j.bench.report;

import org.retention4j.bench.measure.LayerShape;

/**
 * What a row worked on; null where it does not apply.
 *
 * @param form parallel, recurrent, chunkwise or attention; in training, tiled or materialised
 * @param chunk tokens of a chunk or block
 * @param provider the route of element-wise work
 * @param nLayer layers
 * @param dModel D
 * @param nHead heads
 * @param dK key width of a head
 * @param dV value width of a head
 * @param ffn hidden width of the feed-forward
 * @param vocab rows of the embedding table
 * @param nParams weights of the matrices that take part
 * @param dtypes operands of the products: activations x weights
 * @param nPrompt tokens of a prefill, or of a row in training
 * @param nGen tokens generated per sample
 * @param nDepth position of the first generated token
 * @param nBatch sequences
 */
public record Workload(
    String form,
    Integer chunk,
    String provider,
    Integer nLayer,
    Integer dModel,
    Integer nHead,
    Integer dK,
    Integer dV,
    Integer ffn,
    Integer vocab,
    Long nParams,
    String dtypes,
    Integer nPrompt,
    Integer nGen,
    Integer nDepth,
    Integer nBatch) {

  /** Applies to nothing. */
  public static final Workload NONE =
      new Workload(
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          null);

  private static final int VOCAB = 256;
  private static final String FP32 = "f32 x f32";

  /** Returns a retention block or core without feed-forward, one layer. */
  public static Workload block(LayerShape shape, String form, Integer chunk, String provider) {
    return new Workload(
        form,
        chunk,
        provider,
        1,
        shape.modelWidth(),
        shape.heads(),
        shape.keyWidth(),
        shape.valueWidth(),
        null,
        VOCAB,
        shape.retentionWeights(),
        FP32,
        null,
        null,
        null,
        1);
  }

  /** Returns a whole retention layer. */
  public static Workload layer(LayerShape shape, String form, Integer chunk, String provider) {
    return block(shape, form, chunk, provider)
        .withFeedForward(shape.feedForward(), shape.retentionLayerWeights());
  }

  /** Returns a whole Transformer layer. */
  public static Workload attention(LayerShape shape, String provider) {
    return new Workload(
            "attention",
            null,
            provider,
            1,
            shape.modelWidth(),
            shape.attentionHeads(),
            shape.attentionWidth(),
            shape.attentionWidth(),
            null,
            VOCAB,
            shape.attentionWeights(),
            FP32,
            null,
            null,
            null,
            1)
        .withFeedForward(shape.attentionFeedForward(), shape.attentionLayerWeights());
  }

  private Workload withFeedForward(int hidden, long params) {
    return new Workload(
        form, chunk, provider, nLayer, dModel, nHead, dK, dV, hidden, vocab, params, dtypes,
        nPrompt, nGen, nDepth, nBatch);
  }

  /** Returns this over a prompt. */
  public Workload prompt(int tokens) {
    return new Workload(
        form, chunk, provider, nLayer, dModel, nHead, dK, dV, ffn, vocab, nParams, dtypes, tokens,
        nGen, nDepth, nBatch);
  }

  /** Returns this generating tokens from a depth on. */
  public Workload generate(int tokens, Integer depth) {
    return new Workload(
        form, chunk, provider, nLayer, dModel, nHead, dK, dV, ffn, vocab, nParams, dtypes, nPrompt,
        tokens, depth, nBatch);
  }

  /** Returns this over so many sequences. */
  public Workload batch(int sequences) {
    return new Workload(
        form, chunk, provider, nLayer, dModel, nHead, dK, dV, ffn, vocab, nParams, dtypes, nPrompt,
        nGen, nDepth, sequences);
  }

  /** Returns the bare core of several layers, which has no weights, over a batch. */
  public Workload core(int layers, int batch) {
    return new Workload(
        form, chunk, provider, layers, dModel, nHead, dK, dV, null, null, 0L, "f32", nPrompt, nGen,
        nDepth, batch);
  }
}
