package org.retention4j.text;

/**
 * How the next token is chosen from logits.
 *
 * @param temperature what logits are divided by, at least 0; 0 takes the largest
 * @param topK how many of the largest logits may be chosen, 0 for all
 * @param topP the smallest set of likeliest tokens whose probabilities sum to at least this may be
 *     chosen, in (0,1]; 1 for all
 * @param repetitionPenalty what positive logits of tokens seen before are divided by and negative
 *     ones multiplied with, greater than 0; 1 for none
 * @param seed of the draws
 */
public record SamplingOptions(
    double temperature, int topK, double topP, double repetitionPenalty, long seed) {
  /** The likeliest token, always. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 1, 0);

  /** Checks the ranges. */
  public SamplingOptions {
    require(temperature >= 0 && Double.isFinite(temperature), "temperature >= 0", temperature);
    require(topK >= 0, "topK >= 0", topK);
    require(topP > 0 && topP <= 1, "topP in (0,1]", topP);
    boolean penalty = repetitionPenalty > 0 && Double.isFinite(repetitionPenalty);
    require(penalty, "repetitionPenalty > 0", repetitionPenalty);
  }

  private static void require(boolean condition, String expected, Object got) {
    if (!condition) {
      throw new IllegalArgumentException("expected " + expected + ", got " + got);
    }
  }

  /** Returns the same at another temperature. */
  public SamplingOptions withTemperature(double value) {
    return new SamplingOptions(value, topK, topP, repetitionPenalty, seed);
  }

  /** Returns the same among the k likeliest. */
  public SamplingOptions withTopK(int value) {
    return new SamplingOptions(temperature, value, topP, repetitionPenalty, seed);
  }

  /** Returns the same within a probability mass. */
  public SamplingOptions withTopP(double value) {
    return new SamplingOptions(temperature, topK, value, repetitionPenalty, seed);
  }

  /** Returns the same with another penalty. */
  public SamplingOptions withRepetitionPenalty(double value) {
    return new SamplingOptions(temperature, topK, topP, value, seed);
  }

  /** Returns the same with another seed. */
  public SamplingOptions withSeed(long value) {
    return new SamplingOptions(temperature, topK, topP, repetitionPenalty, value);
  }
}
