package org.retention4j.train.run;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.retention4j.core.RetentionConfig;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.train.plan.MemoryFormula;
import org.retention4j.train.plan.OptimizerCost;

/**
 * What a run will cost, by formulas and before anything is allocated.
 *
 * @param parameters of the model
 * @param flopsPerToken forwards and backwards, a multiply-add counted as two: 6 for each parameter,
 *     and what the mixers do beside products with weights
 * @param tokensPerStep of all micro-batches
 * @param steps of the whole run, where they are known
 * @param optimizerFlops of the optimizer's products in a step, which no bare pass has
 * @param weightBytes of weights, gradients and moments, and of what else the optimizer needs
 * @param activationBytes of what one micro-batch writes on the way forth and back
 * @since 0.1
 */
public record RunPlan(
    long parameters,
    double flopsPerToken,
    long tokensPerStep,
    OptionalLong steps,
    double optimizerFlops,
    double weightBytes,
    double activationBytes) {
  /** Tokens of a chunk that the formula counts with. */
  private static final int CHUNK = 64;

  /** Of a number: what is trained is fp32. */
  private static final double BYTES = Float.BYTES;

  /** A backward pass beside a forward one, where a mixer says nothing else. */
  private static final double BACKWARD = 2.5;

  /**
   * Returns the plan of a run of a model.
   *
   * @param lanes of the engine, at least 1
   */
  public static RunPlan of(DecoderConfig config, RunOptions options, int lanes) {
    BatchShape batch = options.batch();
    MemoryFormula memory =
        new MemoryFormula(config, batch.rows(), batch.length(), options.trainer(), lanes);
    long perStep = options.tokensPerStep();
    return new RunPlan(
        config.parameters(),
        flops(config, batch.length()),
        perStep,
        options.limit().mostSteps(perStep),
        OptimizerCost.flops(config, options.trainer().optimizer()),
        BYTES * OptimizerCost.numbers(config, options.trainer().optimizer()),
        BYTES * memory.activations());
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

  /** Returns the bytes at the peak of a step. */
  public double bytes() {
    return weightBytes + activationBytes;
  }

  /**
   * Returns the bytes at the peak of a run: a model of its own is made beside the trainer when it
   * begins and at each checkpoint.
   */
  double peakBytes() {
    return bytes() + BYTES * parameters;
  }

  /** Returns the floating-point operations of the whole run, where its length is known. */
  public double flops() {
    return steps.isPresent() ? stepFlops() * steps.getAsLong() : Double.NaN;
  }

  /** Returns the floating-point operations of a step, the optimizer's included. */
  public double stepFlops() {
    return flopsPerToken * tokensPerStep + optimizerFlops;
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
