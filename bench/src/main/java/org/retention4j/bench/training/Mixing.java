package org.retention4j.bench.training;

import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.parallel.ParallelForm;

/** The four mixers that are compared, the cheapest for long rows first. */
public enum Mixing {
  /** Retention, chunk by chunk. */
  CHUNKWISE("chunkwise", new ChunkwiseForm()),
  /** Exact attention in tiles; its probabilities are computed again on the way back. */
  TILED("tiled", new ChunkwiseForm()),
  /** Retention, all tokens with all earlier ones, in tiles. */
  PARALLEL("parallel", new ParallelForm()),
  /** Attention that keeps its T² probabilities. */
  MATERIALISED("materialised", new ChunkwiseForm());

  private final String word;
  private final RetentionForm form;

  Mixing(String word, RetentionForm form) {
    this.word = word;
    this.form = form;
  }

  /** Returns its name in rows. */
  public String word() {
    return word;
  }

  /** Returns the form in which retention is computed; attention has none and takes any. */
  RetentionForm form() {
    return form;
  }

  /** Returns whether it is attention. */
  boolean attends() {
    return this == TILED || this == MATERIALISED;
  }

  /** Returns a layer of a shape. */
  LayerConfig layer(TrainingShape shape) {
    int hidden = attends() ? shape.attentionFeedForward() : shape.feedForward();
    return new LayerConfig(mixer(shape), hidden, Activation.SILU);
  }

  private MixerConfig mixer(TrainingShape shape) {
    AttentionConfig attention =
        AttentionConfig.multiHead(shape.modelWidth(), shape.attentionHeads());
    return switch (this) {
      case CHUNKWISE, PARALLEL -> RetentionMixerConfig.fla(shape.modelWidth(), shape.heads());
      case TILED -> attention;
      case MATERIALISED -> new MaterialisedAttention(attention);
    };
  }
}
