package org.retention4j.internal.float64;

import java.util.Arrays;
import org.retention4j.engine.ops.CacheOps;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.internal.kv.KvBlocks;

/** Caches in double precision. */
final class Fp64Cache implements CacheOps {
  private double[] row = new double[64];
  private double[] second = new double[64];
  private double[] third = new double[64];

  private double[] row(int n) {
    if (row.length < n) {
      row = new double[n];
    }
    return row;
  }

  private double[] second(int n) {
    if (second.length < n) {
      second = new double[Math.max(n, 2 * second.length)];
    }
    return second;
  }

  private double[] third(int n) {
    if (third.length < n) {
      third = new double[n];
    }
    return third;
  }

  @Override
  public void append(
      KvHead cache, int position, RowView k, RowView v, int batch, long token, int kvHead) {
    double[] x = row(Math.max(cache.keyWidth(), cache.valueWidth()));
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
    copyRows(((Fp64Matrix) ((KvBlocks) cache).keys(block)).rows(), (Fp64Tile) dst);
  }

  @Override
  public void loadValues(KvHead cache, int block, Tile dst) {
    copyRows(((Fp64Matrix) ((KvBlocks) cache).values(block)).rows(), (Fp64Tile) dst);
  }

  private static void copyRows(double[][] from, Fp64Tile to) {
    for (int i = 0; i < from.length; i++) {
      System.arraycopy(from[i], 0, to.row(i), to.column(), to.columns());
    }
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
    double[] query = row(cache.keyWidth());
    double[] weights = second(count - from);
    double[] sum = third(cache.valueWidth());
    q.read(batch, token, head, query);
    for (int t = from; t < count; t++) {
      double[][] keys = ((Fp64Matrix) ((KvBlocks) cache).keys(t / KvHead.BLOCK)).rows();
      weights[t - from] = 0;
      for (int i = 0; i < cache.keyWidth(); i++) {
        weights[t - from] += scale * query[i] * keys[i][t % KvHead.BLOCK];
      }
    }
    Fp64Tiles.softmax(weights, 0, count - from);
    Arrays.fill(sum, 0, cache.valueWidth(), 0);
    for (int t = from; t < count; t++) {
      double[][] values = ((Fp64Matrix) ((KvBlocks) cache).values(t / KvHead.BLOCK)).rows();
      Fp64Product.addScaled(weights[t - from], values[t % KvHead.BLOCK], sum, cache.valueWidth());
    }
    out.write(batch, token, head, sum);
  }
}
