package org.retention4j.train.optimizer;

import java.util.Locale;
import org.retention4j.args.Args;

/**
 * What changes weights by their gradients. The rate, which goes with the steps, is said beside it.
 *
 * @param kind which optimizer
 * @param beta1 β₁ of AdamW, of the mean of gradients, 0…1 without 1
 * @param beta2 β₂ of AdamW, of the mean of their squares, 0…1 without 1
 * @param epsilon of AdamW, added to the root of that mean, above 0
 * @param momentum of Muon, 0…1 without 1
 * @param weightDecay λ of matrices, decoupled (arXiv 1711.05101): a step of rate ρ takes ρλ of them
 * @param decayEmbedding whether the embedding table counts as a matrix there
 * @param clipUpdates whether AdamW's rate of a tensor is divided by RMS(g²/v̂) where that is above
 *     1 (StableAdamW, arXiv 2304.13013): bursts of gradients that the mean of squares has not seen
 *     yet do less harm
 * @since 0.1
 */
public record OptimizerOptions(
    Kind kind,
    double beta1,
    double beta2,
    double epsilon,
    double momentum,
    double weightDecay,
    boolean decayEmbedding,
    boolean clipUpdates) {
  /** AdamW with β 0.9 and 0.95 and a decay of 0.1 of matrices; a momentum of 0.95, for Muon. */
  public static final OptimizerOptions DEFAULT =
      new OptimizerOptions(Kind.ADAMW, 0.9, 0.95, 1e-8, 0.95, 0.1, false, false);

  /** The optimizers. */
  public enum Kind {
    /** AdamW (arXiv 1711.05101) for all weights. */
    ADAMW,
    /**
     * Muon for the matrices of the layers, AdamW for the embedding, the output matrix, norms and
     * biases; at AdamW's rates and decays (arXiv 2502.16982).
     */
    MUON
  }

  /** Checks the ranges. */
  public OptimizerOptions {
    Args.present("a kind of optimizer", kind);
    requireShare("beta1", beta1);
    requireShare("beta2", beta2);
    requireShare("momentum", momentum);
    require(epsilon > 0 && !Double.isInfinite(epsilon), "a finite epsilon > 0", epsilon);
    require(weightDecay >= 0 && !Double.isInfinite(weightDecay), "a decay >= 0", weightDecay);
  }

  private static void requireShare(String name, double got) {
    require(got >= 0 && got < 1, name + " in [0, 1)", got);
  }

  private static void require(boolean holds, String expected, double got) {
    if (!holds) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected %s, got %s", expected, got));
    }
  }

  /**
   * Returns the β₂ with which the mean of squares forgets half in so many tokens, 2^(−s/h) at s
   * tokens a step: what stays the same when batches change (arXiv 2507.07101).
   *
   * @param halfLife h in tokens, above 0
   * @param tokensPerStep s of all micro-batches, at least 1
   * @throws IllegalArgumentException if it is not
   */
  public static double beta2Of(double halfLife, long tokensPerStep) {
    return kept("beta2", halfLife, tokensPerStep);
  }

  /**
   * Returns the decay by which weights alone, without gradients, halve in so many tokens at a rate:
   * λ = (1 − 2^(−s/h)) / ρ. Where the rate is lower, at the begin and end of a run, it takes
   * longer.
   *
   * @param halfLife h in tokens, above 0
   * @param tokensPerStep s of all micro-batches, at least 1
   * @param rate ρ, the largest of a run, above 0
   * @throws IllegalArgumentException if it is not
   */
  public static double weightDecayOf(double halfLife, long tokensPerStep, double rate) {
    require(rate > 0 && !Double.isInfinite(rate), "a finite rate > 0", rate);
    return (1 - kept("weight decay", halfLife, tokensPerStep)) / rate;
  }

  /** Returns what a step leaves of what halves in so many tokens. */
  private static double kept(String what, double halfLife, long tokensPerStep) {
    String expected = "a half-life of " + what + " of tokens, finite and > 0";
    require(halfLife > 0 && !Double.isInfinite(halfLife), expected, halfLife);
    require(tokensPerStep >= 1, "at least 1 token a step", tokensPerStep);
    return Math.pow(2, -tokensPerStep / halfLife);
  }

  /** Returns the same settings of another optimizer. */
  public OptimizerOptions withKind(Kind other) {
    return new OptimizerOptions(
        other, beta1, beta2, epsilon, momentum, weightDecay, decayEmbedding, clipUpdates);
  }

  /** Returns these options with other settings of AdamW. */
  public OptimizerOptions withAdam(double first, double second, double eps) {
    return new OptimizerOptions(
        kind, first, second, eps, momentum, weightDecay, decayEmbedding, clipUpdates);
  }

  /** Returns these options with another momentum of Muon. */
  public OptimizerOptions withMomentum(double value) {
    return new OptimizerOptions(
        kind, beta1, beta2, epsilon, value, weightDecay, decayEmbedding, clipUpdates);
  }

  /** Returns these options with another decoupled decay. */
  public OptimizerOptions withWeightDecay(double decay, boolean embeddingToo) {
    return new OptimizerOptions(
        kind, beta1, beta2, epsilon, momentum, decay, embeddingToo, clipUpdates);
  }

  /** Returns these options with AdamW's updates clipped tensor by tensor, or not. */
  public OptimizerOptions withClipUpdates(boolean value) {
    return new OptimizerOptions(
        kind, beta1, beta2, epsilon, momentum, weightDecay, decayEmbedding, value);
  }
}
