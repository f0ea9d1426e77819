package org.retention4j.train.run;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.retention4j.core.RetentionConfig;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.TrainerOptions;

/**
 * What a run will cost, by formulas and before anything is allocated.
 *
 * @param parameters of the model
 * @param flopsPerToken forwards and backwards, a multiply-add counted as two: 6 for each parameter,
 *     and what the mixers do beside products with weights
 * @param tokensPerStep of all micro-batches
 * @param steps of the whole run, where they are known
 * @param weightBytes of weights, their packed forms, gradients and moments
 * @param activationBytes of what one micro-batch keeps for the way back
 * @since 0.1
 */
public record RunPlan(
    long parameters,
    double flopsPerToken,
    long tokensPerStep,
    OptionalLong steps,
    double weightBytes,
    double activationBytes) {
  /** Tokens of a chunk that the formula counts with. */
  private static final int CHUNK = 64;

  /** A backward pass beside a forward one, where a mixer says nothing else. */
  private static final double BACKWARD = 2.5;

  /** Master, gradient, two moments, and the packed weights for both ways. */
  private static final int COPIES = 6;

  /** Returns the plan of a run of a model. */
  public static RunPlan of(DecoderConfig config, RunOptions options) {
    BatchShape batch = options.batch();
    long perStep = options.tokensPerStep();
    return new RunPlan(
        config.parameters(),
        flops(config, batch.length()),
        perStep,
        options.limit().mostSteps(perStep),
        4.0 * COPIES * config.parameters(),
        4.0 * batch.rows() * batch.length() * kept(config, options.trainer()));
  }

  private static double flops(DecoderConfig config, int length) {
    double sum = 6.0 * config.parameters();
    for (LayerConfig layer : config.layers()) {
      Optional<RetentionConfig> block =
          RetentionMixerConfig.matching(layer.mixer()).map(RetentionMixerConfig::block);
      sum +=
          block
              .map(RunPlan::retentionFlops)
              .orElseGet(() -> (1 + BACKWARD) * layer.mixer().coreFlops(length) / length);
    }
    return sum;
  }

  private static double retentionFlops(RetentionConfig block) {
    double k = block.keyWidth();
    double v = block.valueWidth();
    double forward = 2 * CHUNK * (k + v) + 4 * k * v;
    double backward = CHUNK * (6 * k + 4 * v) + 10 * k * v;
    return block.heads() * (forward + backward);
  }

  /** Returns the numbers that are kept for a token. */
  private static double kept(DecoderConfig config, TrainerOptions options) {
    double sum = 2.0 * config.modelWidth();
    double largest = 0;
    for (LayerConfig layer : config.layers()) {
      double layers = kept(layer);
      largest = Math.max(largest, layers);
      sum += options.checkpointing() ? layer.modelWidth() : layers;
    }
    return options.checkpointing() ? sum + largest : sum;
  }

  /** Input and output of both halves, q, k, v, gate and o, gate and up. */
  private static double kept(LayerConfig layer) {
    double d = layer.modelWidth();
    double mixer =
        RetentionMixerConfig.matching(layer.mixer())
            .map(RetentionMixerConfig::block)
            .map(
                c ->
                    (double) (c.heads() + c.kvHeads()) * c.keyWidth()
                        + (2.0 * c.heads() + c.kvHeads()) * c.valueWidth())
            .orElse(4 * d);
    return 2 * d + mixer + 2.0 * layer.hidden();
  }

  /** Returns the floating-point operations of the whole run, where its length is known. */
  public double flops() {
    return steps.isPresent() ? flopsPerToken * tokensPerStep * steps.getAsLong() : Double.NaN;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d parameters, %.2f MFLOP a token, %,d tokens a step, %s steps, %.1f MB of weights and"
            + " moments, %.1f MB of activations",
        parameters,
        flopsPerToken / 1e6,
        tokensPerStep,
        steps.isPresent() ? String.format(Locale.ROOT, "%,d", steps.getAsLong()) : "?",
        weightBytes / 1e6,
        activationBytes / 1e6);
  }
}
