package org.retention4j.engine.ops;

/**
 * Keeps and reads keys and values for softmax attention.
 *
 * @since 0.1
 */
public interface CacheOps {
  /** Writes the key and value of one token into a cache at {@code position}. */
  void append(KvHead cache, int position, RowView k, RowView v, int batch, long token, int kvHead);

  /** dst (K, block) ← the transposed keys of one block of a cache. */
  void loadKeys(KvHead cache, int block, Tile dst);

  /** dst (block, V) ← the values of one block of a cache. */
  void loadValues(KvHead cache, int block, Tile dst);

  /**
   * out ← softmax(scale·q Kᵀ) V of one token over the tokens from…count−1 of a cache.
   *
   * @param count greater than from
   */
  void attend(
      KvHead cache,
      int from,
      int count,
      double scale,
      RowView q,
      RowView out,
      int batch,
      long token,
      int head);
}
