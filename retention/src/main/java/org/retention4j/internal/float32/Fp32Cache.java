package org.retention4j.internal.float32;

import org.retention4j.engine.ops.CacheOps;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.kv.KvBlocks;
import org.retention4j.internal.memory.Fp32Tile;
import org.retention4j.internal.memory.GrowableFloats;

/** Caches of fp32 or bf16. */
final class Fp32Cache implements CacheOps {
  private final Kernels kernels;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final KvAttention attention;

  Fp32Cache(Kernels kernels) {
    this.kernels = kernels;
    attention = new KvAttention(kernels);
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
  }

  @Override
  public void append(
      KvHead cache, int position, RowView k, RowView v, int batch, long token, int kvHead) {
    float[] x = row(Math.max(cache.keyWidth(), cache.valueWidth()));
    k.read(batch, token, kvHead, x);
    for (int i = 0; i < cache.keyWidth(); i++) {
      cache.setKey(position, i, x[i]);
    }
    v.read(batch, token, kvHead, x);
    for (int i = 0; i < cache.valueWidth(); i++) {
      cache.setValue(position, i, x[i]);
    }
  }

  @Override
  public void loadKeys(KvHead cache, int block, Tile dst) {
    Fp32Tile tile = (Fp32Tile) dst;
    ((Fp32KvMatrix) ((KvBlocks) cache).keys(block)).load(kernels, row(tile.columns()), tile);
  }

  @Override
  public void loadValues(KvHead cache, int block, Tile dst) {
    Fp32Tile tile = (Fp32Tile) dst;
    ((Fp32KvMatrix) ((KvBlocks) cache).values(block)).load(kernels, row(tile.columns()), tile);
  }

  @Override
  public void attend(
      KvHead cache,
      int from,
      int count,
      double scale,
      RowView q,
      RowView out,
      int batch,
      long token,
      int head) {
    float[] query = row(cache.keyWidth());
    float[] sum = second(cache.valueWidth());
    q.read(batch, token, head, query);
    kernels.scale(query, cache.keyWidth(), (float) scale);
    attention.attend((KvBlocks) cache, from, count, query, sum);
    out.write(batch, token, head, sum);
  }
}
