package org.retention4j.cli;

import java.util.Locale;
import org.retention4j.train.optimizer.OptimizerOptions;
import picocli.CommandLine.Option;

/** What changes the weights, of a training. */
final class OptimizerMixin {
  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "adamw",
      description =
          "adamw, or muon for the matrices of the layers and adamw for the rest (default:"
              + " ${DEFAULT-VALUE})")
  private OptimizerOptions.Kind kind;

  @Option(
      names = "--beta2",
      paramLabel = "X",
      description = "of AdamW; 0.99 makes RetNets diverge (default: 0.95)")
  private Double beta2;

  @Option(
      names = "--beta2-half-life",
      paramLabel = "TOKENS",
      description = "instead: tokens in which its mean of squares forgets half")
  private Double beta2HalfLife;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "of matrices, not of norms and embeddings (default: 0.1)")
  private Double weightDecay;

  @Option(
      names = "--decay-half-life",
      paramLabel = "TOKENS",
      description = "instead: tokens in which weights alone would halve at the largest rate")
  private Double decayHalfLife;

  @Option(
      names = "--clip-updates",
      description = "divide a tensor's rate by RMS(g^2/v) where that is above 1 (StableAdamW)")
  private boolean clipUpdates;

  /**
   * Returns what the library calls these.
   *
   * @param tokensPerStep of all micro-batches
   * @param rate the largest
   */
  OptimizerOptions of(long tokensPerStep, double rate) {
    requireOne("--beta2", beta2, "--beta2-half-life", beta2HalfLife);
    requireOne("--weight-decay", weightDecay, "--decay-half-life", decayHalfLife);
    OptimizerOptions standard = OptimizerOptions.DEFAULT;
    double forgetting =
        beta2HalfLife == null
            ? given(beta2, standard.beta2())
            : OptimizerOptions.beta2Of(beta2HalfLife, tokensPerStep);
    if (beta2HalfLife != null && forgetting >= 1) {
      throw new IllegalArgumentException(
          "expected tokens for --beta2-half-life that leave beta2 below 1, got " + beta2HalfLife);
    }
    double decay =
        decayHalfLife == null
            ? given(weightDecay, standard.weightDecay())
            : OptimizerOptions.weightDecayOf(decayHalfLife, tokensPerStep, rate);
    return standard
        .withKind(kind)
        .withAdam(standard.beta1(), forgetting, standard.epsilon())
        .withWeightDecay(decay, false)
        .withClipUpdates(clipUpdates);
  }

  private static double given(Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  private static void requireOne(String option, Double value, String instead, Double halfLife) {
    if (value != null && halfLife != null) {
      throw new IllegalArgumentException("expected " + option + " or " + instead + ", got both");
    }
    if (halfLife != null && !(halfLife > 0 && halfLife <= Double.MAX_VALUE)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "expected tokens above 0, finite, for %s, got %s", instead, halfLife));
    }
  }
}
