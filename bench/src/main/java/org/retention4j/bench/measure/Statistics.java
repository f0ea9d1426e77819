package org.retention4j.bench.measure;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.apache.commons.statistics.descriptive.Quantile;

/** Order statistics of samples and the bootstrap of paired ratios. */
public final class Statistics {
  private static final int RESAMPLES = 2000;

  /** Interpolates between neighbours; leaves the samples in their order. */
  private static final Quantile QUANTILE =
      Quantile.withDefaults().withCopy(true).with(Quantile.EstimationMethod.HF7);

  private Statistics() {}

  /**
   * An estimate with its 95 % interval.
   *
   * @param low lower end
   * @param median estimate
   * @param high upper end
   */
  public record Interval(double low, double median, double high) {}

  /** Returns the middle sample, or the mean of the two middle ones. */
  public static double median(double[] samples) {
    return quantile(samples, 0.5);
  }

  /** Returns the distance between the first and the third quartile. */
  public static double interquartileRange(double[] samples) {
    return quantile(samples, 0.75) - quantile(samples, 0.25);
  }

  /**
   * Returns a quantile, interpolated between neighbours.
   *
   * @param q 0…1
   * @throws IllegalArgumentException if there is no sample
   */
  public static double quantile(double[] samples, double q) {
    if (samples.length == 0) {
      throw new IllegalArgumentException("expected at least one sample, got none");
    }
    return QUANTILE.evaluate(samples, q);
  }

  /**
   * Returns the median of a[i]/b[i] and its bootstrap interval: pairs are drawn with replacement.
   *
   * @throws IllegalArgumentException unless there are as many a as b, at least one
   */
  public static Interval ratioOfPairs(double[] a, double[] b, long seed) {
    if (a.length != b.length || a.length == 0) {
      throw new IllegalArgumentException(
          "expected as many samples in both, at least 1, got " + a.length + " and " + b.length);
    }
    double[] ratios = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      ratios[i] = a[i] / b[i];
    }
    SplittableRandom random = new SplittableRandom(seed);
    double[] medians = new double[RESAMPLES];
    double[] drawn = new double[ratios.length];
    for (int r = 0; r < RESAMPLES; r++) {
      for (int i = 0; i < drawn.length; i++) {
        drawn[i] = ratios[random.nextInt(ratios.length)];
      }
      medians[r] = quantile(drawn, 0.5);
    }
    return new Interval(quantile(medians, 0.025), quantile(ratios, 0.5), quantile(medians, 0.975));
  }

  /** Returns the samples as doubles. */
  public static double[] doubles(long[] samples) {
    return Arrays.stream(samples).asDoubleStream().toArray();
  }
}
