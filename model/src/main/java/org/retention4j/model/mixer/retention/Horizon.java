package org.retention4j.model.mixer.retention;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How far back a head of retention with a constant decay can be asked for a single token, by an
 * estimate for random keys and values of length 1; docs/numerics.md derives it.
 *
 * <p>What was written n tokens ago answers its key with γⁿ. All else in the state answers with
 * noise of variance Σ γ^(2m)/(K·V) = 1/(K·V·(1−γ²)). The largest of as many noisy scores as there
 * are tokens in the vocabulary is about c = √(2 ln vocabulary) standard deviations. Trained keys
 * that avoid each other reach further, those that are alike less far.
 *
 * @param logDecay ln γ, finite, at most 0
 * @param keyWidth K, at least 1
 * @param valueWidth V, at least 1
 * @param vocabulary the number of tokens that are told apart, at least 1; with one, nothing is ever
 *     mistaken and what is returned is infinite
 * @since 0.1
 */
public record Horizon(double logDecay, int keyWidth, int valueWidth, int vocabulary) {
  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException for a value out of its range
   */
  public Horizon {
    if (!(logDecay <= 0) || Double.isInfinite(logDecay)) {
      throw new IllegalArgumentException("expected a finite ln γ <= 0, got " + logDecay);
    }
    if (keyWidth < 1 || valueWidth < 1 || vocabulary < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected K, V and a vocabulary of at least 1, got %d, %d and %d",
              keyWidth,
              valueWidth,
              vocabulary));
    }
  }

  /** Returns ln 2/(−ln γ), the tokens after which half of a value is left; infinite for γ = 1. */
  public double halfLife() {
    return logDecay == 0 ? Double.POSITIVE_INFINITY : Math.log(2) / -logDecay;
  }

  /** Returns K·V/(2 ln vocabulary): the pairs that a state holds when nothing decays. */
  public double capacity() {
    return (double) keyWidth * valueWidth / (2 * Math.log(vocabulary));
  }

  /**
   * Returns ln(√(K·V·(1−γ²))/c)/(−ln γ) with c = √(2 ln vocabulary): the age in tokens at which a
   * value sinks into the noise of a long text. 0 where it is in the noise from the beginning; the
   * {@link #capacity} for γ = 1, where only the number of tokens counts, not their age.
   */
  public double tokens() {
    if (logDecay == 0) {
      return capacity();
    }
    // 1−γ² by expm1: near 1, γ² in double would lose it. K·V/c² is the capacity.
    double ratio = capacity() * -Math.expm1(2 * logDecay);
    return ratio <= 1 ? 0 : 0.5 * Math.log(ratio) / -logDecay;
  }

  /** Returns a table of heads, one line for each and two above them. */
  static List<String> table(double[] logDecays, int keyWidth, int valueWidth, int vocabulary) {
    List<String> lines = new ArrayList<>();
    for (int h = 0; h < logDecays.length; h++) {
      Horizon head = new Horizon(logDecays[h], keyWidth, valueWidth, vocabulary);
      if (h == 0) {
        lines.add("capacity " + shown(head.capacity()) + " pairs per head, without decay");
        lines.add(line("head", "γ", "half-life", "horizon in tokens"));
      }
      lines.add(
          line(Integer.toString(h), head.gamma(), shown(head.halfLife()), shown(head.tokens())));
    }
    return lines;
  }

  private static String line(String head, String gamma, String halfLife, String tokens) {
    return String.format(Locale.ROOT, "%4s  %-16s  %12s  %17s", head, gamma, halfLife, tokens);
  }

  /** Returns γ, or what is missing to 1 where that could not be told from 1. */
  private String gamma() {
    double missing = -Math.expm1(logDecay);
    if (logDecay == 0 || missing >= 1e-9) {
      return new BigDecimal(1 - missing)
          .setScale(12, RoundingMode.HALF_EVEN)
          .stripTrailingZeros()
          .toPlainString();
    }
    return String.format(Locale.ROOT, "1 - %.3e", missing);
  }

  private static String shown(double tokens) {
    if (Double.isInfinite(tokens)) {
      return "unbounded";
    }
    return String.format(Locale.ROOT, tokens < 1000 ? "%.1f" : "%,.0f", tokens);
  }
}
