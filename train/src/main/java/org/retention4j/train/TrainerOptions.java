package org.retention4j.train;

import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;

/**
 * How a model is trained: AdamW with decoupled decay (arXiv 1711.05101) on matrices, the whole
 * gradient clipped before each step.
 *
 * @param rate the largest learning rate
 * @param schedule its factor at each step
 * @param beta1 of the mean of gradients
 * @param beta2 of the mean of their squares
 * @param epsilon added to the root of that mean
 * @param weightDecay of matrices, decoupled
 * @param decayEmbedding whether the embedding table counts as a matrix there
 * @param clipNorm what the norm of the whole gradient is clipped to; infinite for never
 * @param clipUpdates whether the rate of a tensor is divided by RMS(g²/v̂) where that is above 1
 *     (StableAdamW, arXiv 2304.13013): bursts of gradients that the mean of squares has not seen
 *     yet do less harm
 * @param microBatches batches whose gradients make one step, at least 1
 * @param form in which retention is computed, forwards and backwards
 * @param checkpointing whether what a layer computed is computed again on the way back, and not
 *     kept: less memory, a third more work, the same bits
 * @since 0.1
 */
public record TrainerOptions(
    double rate,
    Schedule schedule,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean decayEmbedding,
    double clipNorm,
    boolean clipUpdates,
    int microBatches,
    RetentionForm form,
    boolean checkpointing) {
  /** A rate of 1e-3 that stays, β 0.9 and 0.95, a decay of 0.1 of matrices, clipping to 1. */
  public static final TrainerOptions DEFAULT =
      new TrainerOptions(
          1e-3,
          Schedule.constant(),
          0.9,
          0.95,
          1e-8,
          0.1,
          false,
          1,
          false,
          1,
          new ChunkwiseForm(),
          false);

  /** Checks the ranges. */
  public TrainerOptions {
    Args.present("schedule", schedule);
    Args.present("form", form);
    require(rate > 0 && !Double.isInfinite(rate), "a finite rate > 0", rate);
    require(beta1 >= 0 && beta1 < 1, "beta1 in [0, 1)", beta1);
    require(beta2 >= 0 && beta2 < 1, "beta2 in [0, 1)", beta2);
    require(epsilon > 0 && !Double.isInfinite(epsilon), "a finite epsilon > 0", epsilon);
    require(weightDecay >= 0 && !Double.isInfinite(weightDecay), "a decay >= 0", weightDecay);
    require(clipNorm > 0, "a norm to clip to > 0", clipNorm);
    require(microBatches >= 1, "at least 1 micro-batch", microBatches);
  }

  private static void require(boolean holds, String expected, double got) {
    if (!holds) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected %s, got %s", expected, got));
    }
  }

  /** Returns these options with another rate and schedule. */
  public TrainerOptions withRate(double largest, Schedule factors) {
    return new TrainerOptions(
        largest,
        factors,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        clipNorm,
        clipUpdates,
        microBatches,
        form,
        checkpointing);
  }

  /** Returns these options with other settings of AdamW. */
  public TrainerOptions withAdam(double first, double second, double eps) {
    return new TrainerOptions(
        rate,
        schedule,
        first,
        second,
        eps,
        weightDecay,
        decayEmbedding,
        clipNorm,
        clipUpdates,
        microBatches,
        form,
        checkpointing);
  }

  /** Returns these options with another decoupled decay. */
  public TrainerOptions withWeightDecay(double decay, boolean embeddingToo) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        decay,
        embeddingToo,
        clipNorm,
        clipUpdates,
        microBatches,
        form,
        checkpointing);
  }

  /** Returns these options with another norm to clip to. */
  public TrainerOptions withClipNorm(double norm) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        norm,
        clipUpdates,
        microBatches,
        form,
        checkpointing);
  }

  /** Returns these options with updates clipped tensor by tensor, or not. */
  public TrainerOptions withClipUpdates(boolean value) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        clipNorm,
        value,
        microBatches,
        form,
        checkpointing);
  }

  /** Returns these options with so many micro-batches a step. */
  public TrainerOptions withMicroBatches(int count) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        clipNorm,
        clipUpdates,
        count,
        form,
        checkpointing);
  }

  /** Returns these options with retention in another form. */
  public TrainerOptions withForm(RetentionForm other) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        clipNorm,
        clipUpdates,
        microBatches,
        other,
        checkpointing);
  }

  /** Returns these options with checkpointing by layer, or without. */
  public TrainerOptions withCheckpointing(boolean value) {
    return new TrainerOptions(
        rate,
        schedule,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        decayEmbedding,
        clipNorm,
        clipUpdates,
        microBatches,
        form,
        value);
  }
}
