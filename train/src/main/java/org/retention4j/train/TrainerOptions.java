package org.retention4j.train;

import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.train.optimizer.OptimizerOptions;

/**
 * How a model is trained; the whole gradient is clipped before each step.
 *
 * @param rate the largest learning rate
 * @param schedule its factor at each step
 * @param optimizer what changes weights at that rate
 * @param clipNorm what the norm of the whole gradient is clipped to; infinite for never
 * @param microBatches batches whose gradients make one step, at least 1
 * @param form in which retention is computed, forwards and backwards
 * @param checkpointing whether what a layer computed is computed again on the way back, and not
 *     kept: less memory, a third more work, the same bits
 * @param bf16Products whether operands of the products of weights, and of the chunkwise form's, are
 *     rounded to bf16, while sums, weights, moments and all else are fp32: faster, and less exact;
 *     without effect in float64 and where {@link org.retention4j.engine.Engine#multipliesBfloat16}
 *     is false
 * @since 0.1
 */
public record TrainerOptions(
    double rate,
    Schedule schedule,
    OptimizerOptions optimizer,
    double clipNorm,
    int microBatches,
    RetentionForm form,
    boolean checkpointing,
    boolean bf16Products) {
  /** A rate of 1e-3 that stays, {@link OptimizerOptions#DEFAULT}, clipping to 1. */
  public static final TrainerOptions DEFAULT =
      new TrainerOptions(
          1e-3,
          Schedule.constant(),
          OptimizerOptions.DEFAULT,
          1,
          1,
          new ChunkwiseForm(),
          false,
          false);

  /** Checks the ranges. */
  public TrainerOptions {
    Args.present("schedule", schedule);
    Args.present("options of an optimizer", optimizer);
    Args.present("form", form);
    require(rate > 0 && !Double.isInfinite(rate), "a finite rate > 0", rate);
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
        largest, factors, optimizer, clipNorm, microBatches, form, checkpointing, bf16Products);
  }

  /** Returns these options with another optimizer, or other settings of it. */
  public TrainerOptions withOptimizer(OptimizerOptions other) {
    return new TrainerOptions(
        rate, schedule, other, clipNorm, microBatches, form, checkpointing, bf16Products);
  }

  /** Returns these options with another norm to clip to. */
  public TrainerOptions withClipNorm(double norm) {
    return new TrainerOptions(
        rate, schedule, optimizer, norm, microBatches, form, checkpointing, bf16Products);
  }

  /** Returns these options with so many micro-batches a step. */
  public TrainerOptions withMicroBatches(int count) {
    return new TrainerOptions(
        rate, schedule, optimizer, clipNorm, count, form, checkpointing, bf16Products);
  }

  /** Returns these options with retention in another form. */
  public TrainerOptions withForm(RetentionForm other) {
    return new TrainerOptions(
        rate, schedule, optimizer, clipNorm, microBatches, other, checkpointing, bf16Products);
  }

  /** Returns these options with checkpointing by layer, or without. */
  public TrainerOptions withCheckpointing(boolean value) {
    return new TrainerOptions(
        rate, schedule, optimizer, clipNorm, microBatches, form, value, bf16Products);
  }

  /** Returns these options with operands of products rounded to bf16, or not. */
  public TrainerOptions withBf16Products(boolean value) {
    return new TrainerOptions(
        rate, schedule, optimizer, clipNorm, microBatches, form, checkpointing, value);
  }
}
