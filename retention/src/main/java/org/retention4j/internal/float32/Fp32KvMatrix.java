package org.retention4j.internal.float32;

import org.retention4j.internal.kv.KvMatrix;
import org.retention4j.internal.memory.Fp32Tile;

/** Rows that the fp32 engine reads as fp32, whatever they are kept in. */
interface Fp32KvMatrix extends KvMatrix {
  /** sum[j] ← sum[j] + Σ_i factors[i]·row_i[j], i &lt; count. */
  void add(Kernels kernels, int count, float[] factors, float[] sum);

  /**
   * dst ← all rows.
   *
   * @param room at least as long as a row
   */
  void load(Kernels kernels, float[] room, Fp32Tile dst);
}
