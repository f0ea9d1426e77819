package org.retention4j.engine;

/** A cache for the fp32 engine: its blocks are read as fp32 rows, whatever they are kept in. */
abstract sealed class FloatCache extends CacheHead permits Float32Cache, Bfloat16Cache {
  FloatCache(int keyWidth, int valueWidth) {
    super(keyWidth, valueWidth);
  }

  /**
   * Returns the transposed keys of a block, (K, block).
   *
   * @param room the lane's rows, which may be filled and returned
   */
  abstract float[][] keys(int block, Kernels kernels, float[][] room);

  /** Returns the values of a block's first n tokens, (block, V). */
  abstract float[][] values(int block, int n, Kernels kernels, float[][] room);

  /** sum[t] ← sum[t] + Σ_i query[i]·key[t][i] over the tokens of a block. */
  abstract void addScores(int block, Kernels kernels, float[] query, float[] sum);

  /** sum ← sum + Σ_t weights[t]·value[t] over the first n tokens of a block. */
  abstract void addValues(int block, int n, Kernels kernels, float[] weights, float[] sum);

  /** Stores one token. */
  abstract void put(int token, float[] key, float[] value);
}
