package org.retention4j.engine;

import java.util.Arrays;

/** Softmax attention of one query over a cache, streaming it once. One per lane. */
final class CacheAttention {
  private final Kernels kernels;

  /** The scores by block, made when a cache first grows that long. */
  private float[][] scores = new float[0][];

  CacheAttention(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * sum ← softmax(query·Kᵀ) V over the first {@code count} tokens.
   *
   * @param query (K), already scaled
   * @param sum receives (V)
   */
  void attend(Float32Cache cache, int count, float[] query, float[] sum) {
    int blocks = (count + CacheHead.BLOCK - 1) / CacheHead.BLOCK;
    float max = Float.NEGATIVE_INFINITY;
    for (int b = 0; b < blocks; b++) {
      float[] x = scores(b);
      Arrays.fill(x, 0f);
      kernels.addRows(cache.keys[b], query, cache.keyWidth(), x, CacheHead.BLOCK);
      max = Math.max(max, kernels.max(x, blockLength(count, b)));
    }
    Arrays.fill(sum, 0, cache.valueWidth(), 0f);
    double total = 0;
    for (int b = 0; b < blocks; b++) {
      int n = blockLength(count, b);
      total += kernels.expAndSum(scores(b), max, n);
      kernels.addRows(cache.values[b], scores(b), n, sum, cache.valueWidth());
    }
    kernels.scale(sum, cache.valueWidth(), (float) (1 / total));
  }

  private static int blockLength(int count, int block) {
    return Math.min(CacheHead.BLOCK, count - block * CacheHead.BLOCK);
  }

  private float[] scores(int block) {
    if (block >= scores.length) {
      int old = scores.length;
      scores = Arrays.copyOf(scores, Math.max(2 * old, block + 1));
      for (int i = old; i < scores.length; i++) {
        scores[i] = new float[CacheHead.BLOCK];
      }
    }
    return scores[block];
  }
}
