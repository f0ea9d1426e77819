package org.retention4j.bench.measure;

/**
 * What the shapes alone say about work and traffic. FLOPs count a multiply-add as two; bytes count
 * what must be moved, not what an implementation moves. The cores of prompts are counted by each
 * mixer's {@code coreFlops}; here are those of the forms that no session uses for prompts.
 *
 * <p>L layers, D width, H heads, K key width, V = f·K value width, b batch, n context, s bytes per
 * element.
 */
public final class Formulas {
  private Formulas() {}

  /** State of one sequence: L·H·K·V·s. */
  public static long stateBytes(
      long layers, long heads, long keyWidth, long valueWidth, long elementBytes) {
    return layers * heads * keyWidth * valueWidth * elementBytes;
  }

  /** Key/value cache of one sequence: 2·L·n_kv·d_h·n·s. */
  public static long cacheBytes(
      long layers, long kvHeads, long headWidth, long context, long elementBytes) {
    return 2 * layers * kvHeads * headWidth * context * elementBytes;
  }

  /** Bytes of one decode step of retention: weights + 2·b·state. */
  public static long retentionStepBytes(long weightBytes, long batch, long stateBytes) {
    return weightBytes + 2 * batch * stateBytes;
  }

  /** Bytes of one decode step of softmax attention: weights + b·cache. */
  public static long attentionStepBytes(long weightBytes, long batch, long cacheBytes) {
    return weightBytes + batch * cacheBytes;
  }

  /** The depth from which on a cache moves more bytes per token than a state. */
  public static double trafficCrossover(
      double f,
      double keyWidth,
      double modelWidth,
      double kvHeads,
      double headWidth,
      double stateElementBytes,
      double cacheElementBytes) {
    return f
        * keyWidth
        * (modelWidth / (kvHeads * headWidth))
        * (stateElementBytes / cacheElementBytes);
  }

  /**
   * The chunk size with the least time: √(f·K·(2·s·β+1)/(α(1+f))).
   *
   * @param flopsPerByte β, the machine's FLOP/s over its bytes/s
   */
  public static double bestChunk(
      double f, double keyWidth, double stateElementBytes, double flopsPerByte, double alpha) {
    return Math.sqrt(f * keyWidth * (2 * stateElementBytes * flopsPerByte + 1) / (alpha * (1 + f)));
  }

  /** Products with weights: 2·T·weights. */
  public static double weightFlops(long tokens, long weights) {
    return 2.0 * tokens * weights;
  }

  /** The parallel core with α=1 and the final state: T·D·(T(1+f) + 2·f·K). */
  public static double parallelCoreFlops(long tokens, LayerShape shape) {
    double f = shape.valueFactor();
    return tokens * (double) shape.modelWidth() * (tokens * (1 + f) + 2 * f * shape.keyWidth());
  }

  /** The recurrence as written, decay, update and readout: T·D·5·f·K. */
  public static double recurrentCoreFlops(long tokens, LayerShape shape) {
    return tokens * (double) shape.modelWidth() * 5 * shape.valueFactor() * shape.keyWidth();
  }

  /**
   * Joins rates of parts to the rate of the whole, weighted with the FLOPs of each part: Σ flops /
   * Σ (flops/rate).
   */
  public static double weightedRate(double[] flops, double[] rates) {
    double work = 0;
    double time = 0;
    for (int i = 0; i < flops.length; i++) {
      work += flops[i];
      time += flops[i] / rates[i];
    }
    return work / time;
  }
}
