package org.retention4j.internal.float32;

import java.util.Arrays;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.internal.kv.KvBlocks;

/** Softmax attention of one query over a cache, streaming it once. One per lane. */
final class KvAttention {
  private final Kernels kernels;

  /** The scores by block from the first one seen, made when that many are first seen. */
  private float[][] scores = new float[0][];

  KvAttention(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * sum ← softmax(query·Kᵀ) V over the tokens from…count−1.
   *
   * @param query (K), already scaled
   * @param sum receives (V)
   */
  void attend(KvBlocks cache, int from, int count, float[] query, float[] sum) {
    int first = from / KvHead.BLOCK;
    int end = KvHead.blocksFor(count);
    float max = Float.NEGATIVE_INFINITY;
    for (int b = first; b < end; b++) {
      float[] x = scores(b - first);
      Arrays.fill(x, 0f);
      ((Fp32KvMatrix) cache.keys(b)).add(kernels, cache.keyWidth(), query, x);
      if (b == first) {
        Arrays.fill(x, 0, from - first * KvHead.BLOCK, Float.NEGATIVE_INFINITY);
      }
      max = Math.max(max, kernels.max(x, blockLength(count, b)));
    }
    Arrays.fill(sum, 0, cache.valueWidth(), 0f);
    double total = 0;
    for (int b = first; b < end; b++) {
      int n = blockLength(count, b);
      float[] weights = scores(b - first);
      total += kernels.expAndSum(weights, max, n);
      Fp32KvMatrix values = (Fp32KvMatrix) cache.values(b);
      int unseen = b == first ? from - first * KvHead.BLOCK : 0;
      if (unseen > 0 && cache.nonFinite(b)) {
        addSeen(values, unseen, n, weights, sum, cache.valueWidth());
      } else {
        values.add(kernels, n, weights, sum);
      }
    }
    kernels.scale(sum, cache.valueWidth(), (float) (1 / total));
  }

  /** Leaves out what a window hides: 0·NaN would not be 0. */
  private static void addSeen(
      Fp32KvMatrix values, int from, int to, float[] weights, float[] sum, int width) {
    for (int i = from; i < to; i++) {
      for (int j = 0; j < width; j++) {
        sum[j] = Math.fma(weights[i], (float) values.get(i, j), sum[j]);
      }
    }
  }

  private static int blockLength(int count, int block) {
    return Math.min(KvHead.BLOCK, count - block * KvHead.BLOCK);
  }

  private float[] scores(int block) {
    if (block >= scores.length) {
      int old = scores.length;
      scores = Arrays.copyOf(scores, Math.max(2 * old, block + 1));
      for (int i = old; i < scores.length; i++) {
        scores[i] = new float[KvHead.BLOCK];
      }
    }
    return scores[block];
  }
}
