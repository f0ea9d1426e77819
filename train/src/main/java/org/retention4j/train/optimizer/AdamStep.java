package org.retention4j.train.optimizer;

/**
 * The numbers of one step of {@link AdamW}.
 *
 * @param rate ρ
 * @param beta1 β₁
 * @param beta2 β₂
 * @param epsilon ε
 * @param weightDecay λ
 * @param scale what gradients are multiplied with first: less than 1 where they are clipped
 * @param clipUpdates whether a tensor's rate is divided by RMS(g²/v̂) where that is above 1
 * @param count which step it is, from 1: the moments' means are corrected for their beginning
 */
public record AdamStep(
    double rate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double scale,
    boolean clipUpdates,
    long count) {
  /** Returns 1 / (1 − β₁^count). */
  double meanCorrection() {
    return 1 / (1 - Math.pow(beta1, count));
  }

  /** Returns 1 / (1 − β₂^count). */
  double squareCorrection() {
    return 1 / (1 - Math.pow(beta2, count));
  }
}
