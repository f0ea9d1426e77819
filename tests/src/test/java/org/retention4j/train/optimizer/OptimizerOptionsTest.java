package org.retention4j.train.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Settings of optimizers, and half-lives in tokens. */
class OptimizerOptionsTest {
  /** A rounding for each of some thousand factors. */
  private static final double ROUNDINGS = 1e-12;

  /** Whatever the steps, as much is left of squares after so many tokens. */
  @Test
  void squaresHalveInTheTokensThatWereAskedFor() {
    double halfLife = 1 << 20;
    for (int perStep : new int[] {1 << 9, 1 << 12, 1 << 20, 1 << 21}) {
      double beta2 = OptimizerOptions.beta2Of(halfLife, perStep);
      double left = 1;
      for (long tokens = 0; tokens < 1 << 21; tokens += perStep) {
        left *= beta2;
      }
      assertThat(left).as("%d tokens a step", perStep).isCloseTo(0.25, within(ROUNDINGS));
    }
  }

  @Test
  void weightsAloneHalveInTheTokensThatWereAskedFor() {
    for (int perStep : new int[] {1 << 9, 1 << 12}) {
      for (double rate : new double[] {1e-4, 0.03}) {
        double decay = OptimizerOptions.weightDecayOf(1 << 20, perStep, rate);
        double left = 1;
        for (long tokens = 0; tokens < 1 << 20; tokens += perStep) {
          left -= rate * decay * left;
        }
        assertThat(left).as("%d tokens at %s", perStep, rate).isCloseTo(0.5, within(ROUNDINGS));
      }
    }
  }

  @Test
  void whatCannotBeIsRefused() {
    for (double wrong : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> OptimizerOptions.beta2Of(wrong, 1))
          .withMessage(
              "expected a half-life of beta2 of tokens, finite and > 0, got %s".formatted(wrong));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> OptimizerOptions.weightDecayOf(wrong, 1, 1))
          .withMessageContaining("a half-life of weight decay");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> OptimizerOptions.weightDecayOf(1, 1, wrong))
          .withMessageContaining("rate > 0");
    }
    OptimizerOptions some = OptimizerOptions.DEFAULT;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> some.withAdam(0.9, 1, 1e-8))
        .withMessage("expected beta2 in [0, 1), got 1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> some.withMomentum(-0.1))
        .withMessage("expected momentum in [0, 1), got -0.1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> some.withWeightDecay(Double.NaN, false))
        .withMessage("expected a decay >= 0, got NaN");
  }
}
