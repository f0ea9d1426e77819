package org.retention4j.text;

/**
 * How a {@link Sampler} chooses the next token.
 *
 * @param temperature divides the logits before the softmax; 0 takes the largest logit, finite and
 *     not negative
 * @param topK how many of the largest logits stay in the draw; 0 keeps all
 * @param topP the draw keeps the fewest most probable tokens whose probabilities reach this sum; in
 *     (0, 1], 1 keeps all
 * @param repetitionPenalty divides the positive and multiplies the negative logits of tokens that
 *     were seen (Keskar et al., CTRL, 2019, section 4.1, as in Hugging Face); finite and positive,
 *     1 changes nothing
 * @param seed of the draws
 * @since 0.1
 */
public record SamplingOptions(
    double temperature, int topK, double topP, double repetitionPenalty, long seed) {
  /** Always the most probable token. */
  public static final SamplingOptions DEFAULT = new SamplingOptions(0, 0, 1, 1, 0);

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException if a value lies outside its range or is NaN
   */
  public SamplingOptions {
    // Written as what must hold, so that NaN fails too.
    if (!(temperature >= 0 && temperature <= Double.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "expected a finite temperature >= 0, 0 for greedy, got " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException("expected topK >= 0, 0 for off, got " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("expected topP in (0, 1], 1 for off, got " + topP);
    }
    float penalty = (float) repetitionPenalty;
    if (!(penalty > 0 && penalty <= Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "expected a finite repetitionPenalty > 0, 1 for off, got " + repetitionPenalty);
    }
  }

  /** Returns these options with another temperature. */
  public SamplingOptions withTemperature(double value) {
    return new SamplingOptions(value, topK, topP, repetitionPenalty, seed);
  }

  /** Returns these options with another topK. */
  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(temperature, value, topP, repetitionPenalty, seed);
  }

  /** Returns these options with another topP. */
  public SamplingOptions withTopP(double value) {
    return new SamplingOptions(temperature, topK, value, repetitionPenalty, seed);
  }

  /** Returns these options with another repetition penalty. */
  public SamplingOptions withRepetitionPenalty(double value) {
    return new SamplingOptions(temperature, topK, topP, value, seed);
  }

  /** Returns these options with another seed. */
  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(temperature, topK, topP, repetitionPenalty, value);
  }

  /** Returns whether the largest logit is taken and nothing is drawn. */
  public boolean greedy() {
    return temperature == 0;
  }
}
