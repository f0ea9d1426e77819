package org.retention4j.bench.training;

import java.util.List;
import org.retention4j.model.DecoderConfig;

/**
 * A RetNet and a Transformer of as many weights, K = D/H and V = 2K.
 *
 * @param modelWidth D
 * @param layers L
 * @param heads H of retention
 * @param feedForward hidden width of retention's SwiGLU
 * @param attentionHeads heads of attention
 * @param attentionFeedForward hidden width of attention's SwiGLU, wider by what its mixer has less
 * @param leastTokens tokens of a step at least: short rows come several at once
 */
public record TrainingShape(
    int modelWidth,
    int layers,
    int heads,
    int feedForward,
    int attentionHeads,
    int attentionFeedForward,
    int leastTokens) {
  /** Bytes. */
  static final int VOCABULARY = 256;

  /** A small whole model: 6.5 million parameters. */
  public static final TrainingShape MODEL = new TrainingShape(256, 6, 4, 704, 4, 1040, 2048);

  /** One layer of the paper's size, arXiv 2307.08621. */
  public static final TrainingShape LAYER = new TrainingShape(2048, 1, 8, 2816, 16, 5504, 1024);

  /** Both. */
  public static final List<TrainingShape> ALL = List.of(MODEL, LAYER);

  /** Returns its name in rows. */
  public String name() {
    return "D " + modelWidth;
  }

  /** Returns the rows of a batch of rows of T tokens. */
  int rows(int tokens) {
    return Math.max(1, leastTokens / tokens);
  }

  /** Returns K of retention. */
  int keyWidth() {
    return modelWidth / heads;
  }

  /** Returns V of retention. */
  int valueWidth() {
    return 2 * keyWidth();
  }

  /** Returns the model with one of the mixers in all layers. */
  DecoderConfig config(Mixing mixing) {
    return DecoderConfig.of(
        VOCABULARY, modelWidth, DecoderConfig.uniform(layers, mixing.layer(this)));
  }
}
