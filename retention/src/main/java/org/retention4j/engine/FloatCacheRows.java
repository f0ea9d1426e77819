package org.retention4j.engine;

/** Rows that the fp32 engine reads as fp32, whatever they are kept in. */
sealed interface FloatCacheRows extends CacheRows permits FloatRows, HalfRows {
  /** sum[j] ← sum[j] + Σ_i factors[i]·row_i[j], i < count. */
  void add(Kernels kernels, int count, float[] factors, float[] sum);

  /**
   * dst ← all rows.
   *
   * @param room at least as long as a row
   */
  void load(Kernels kernels, float[] room, Float32Tile dst);
}
