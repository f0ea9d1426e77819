package org.retention4j.bench.report;

import java.util.Arrays;
import org.retention4j.bench.measure.MachineLoad;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;

/**
 * Times of a row in nanoseconds; null where nothing was timed.
 *
 * @param samplesNs each sample; of a decoder, the mean step of a whole fold
 * @param median of the samples
 * @param iqr between the quartiles of the samples
 * @param p95 over single steps
 * @param p99 over single steps
 * @param tokensPerSecond from the median
 * @param repeats samples
 * @param gcCount garbage collections inside timed runs
 * @param settled whether later samples are as fast as earlier ones
 * @param loadAverage over the last minute
 * @param steal share of processor time taken by the hypervisor
 * @param foreign share of processor time taken by other processes
 * @param noisy whether steal or foreign exceed {@link MachineLoad#NOISE}
 */
public record Timing(
    long[] samplesNs,
    Double median,
    Double iqr,
    Double p95,
    Double p99,
    Double tokensPerSecond,
    Integer repeats,
    Long gcCount,
    Boolean settled,
    Double loadAverage,
    Double steal,
    Double foreign,
    Boolean noisy) {

  /** Nothing was timed. */
  public static final Timing NONE =
      new Timing(null, null, null, null, null, null, null, null, null, null, null, null, null);

  /** Returns the timing of samples that each advance so many tokens. */
  public static Timing of(Samples samples, double tokens) {
    MachineLoad load = samples.load();
    double median = samples.median();
    return new Timing(
        Arrays.stream(samples.values()).mapToLong(Math::round).toArray(),
        median,
        Statistics.interquartileRange(samples.values()),
        samples.stepQuantile(0.95),
        samples.stepQuantile(0.99),
        tokens / median * 1e9,
        samples.count(),
        samples.collections(),
        samples.settled(),
        load.loadAverage(),
        load.steal(),
        load.foreign(),
        load.noisy());
  }

  /** Returns the same of what takes no tokens. */
  public Timing withoutTokens() {
    return new Timing(
        samplesNs,
        median,
        iqr,
        p95,
        p99,
        null,
        repeats,
        gcCount,
        settled,
        loadAverage,
        steal,
        foreign,
        noisy);
  }
}
