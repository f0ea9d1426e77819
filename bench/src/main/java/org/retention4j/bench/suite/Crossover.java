package org.retention4j.bench.suite;

import java.util.List;
import org.retention4j.bench.report.Results;

/**
 * The depth at which two decode latencies cross.
 *
 * @param depth interpolated between measured depths, or null when they do not cross
 * @param note what was found
 */
record Crossover(Double depth, String note) {
  /** Looks for the depth from which on attention is slower than retention. */
  static Crossover of(Results results) {
    List<Integer> depths = results.depths();
    double[] excess = new double[depths.size()];
    for (int i = 0; i < excess.length; i++) {
      excess[i] =
          median(results, "attention", depths.get(i)) - median(results, "recurrent", depths.get(i));
    }
    return between(depths.stream().mapToInt(Integer::intValue).toArray(), excess);
  }

  private static double median(Results results, String form, int depth) {
    return results.decode(form, depth).orElseThrow().timing().median();
  }

  /**
   * Finds the last change of sign, after which attention stays slower.
   *
   * @param excess attention's latency minus retention's, at each depth
   */
  static Crossover between(int[] depths, double[] excess) {
    int last = excess.length - 1;
    if (excess[last] <= 0) {
      return new Crossover(
          null, "the Transformer layer is not slower at any measured depth up to " + depths[last]);
    }
    int i = last;
    while (i > 0 && excess[i - 1] > 0) {
      i--;
    }
    if (i == 0) {
      return new Crossover(0.0, "the Transformer layer is slower at every measured depth");
    }
    double share = -excess[i - 1] / (excess[i] - excess[i - 1]);
    double depth = depths[i - 1] + share * (depths[i] - depths[i - 1]);
    return new Crossover(
        depth, "interpolated between depths " + depths[i - 1] + " and " + depths[i]);
  }
}
