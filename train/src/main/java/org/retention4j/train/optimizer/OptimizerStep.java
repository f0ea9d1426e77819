package org.retention4j.train.optimizer;

/**
 * The numbers of one step of an {@link Optimizer}.
 *
 * @param options what stays from step to step
 * @param rate ρ
 * @param scale what gradients are multiplied with first: less than 1 where they are clipped
 * @param count which step it is, from 1: AdamW's means are corrected for their beginning
 */
public record OptimizerStep(OptimizerOptions options, double rate, double scale, long count) {
  double beta1() {
    return options.beta1();
  }

  double beta2() {
    return options.beta2();
  }

  double epsilon() {
    return options.epsilon();
  }

  /** Returns 1 / (1 − β₁^count). */
  double meanCorrection() {
    return 1 / (1 - Math.pow(beta1(), count));
  }

  /** Returns 1 / (1 − β₂^count). */
  double squareCorrection() {
    return 1 / (1 - Math.pow(beta2(), count));
  }
}
