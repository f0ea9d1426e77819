package org.retention4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.Product;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Tile;

/**
 * A block of queries of one head against the cache, block of keys after block of keys up to the
 * last key that any of the queries may see; what lies above the diagonal is not computed.
 */
final class AttentionKernel {
  /** Queries of a block. */
  static final int QUERIES = 256;

  private static final int KEYS = CacheHead.BLOCK;

  private final Lane lane;
  private final Tile q;
  private final Tile keys;
  private final Tile values;
  private final Tile o;
  private final double[] factors = new double[QUERIES];
  private final List<Steps> byBlocks = new ArrayList<>();
  private Tile scores;

  private AttentionKernel(Lane lane, int width) {
    this.lane = lane;
    q = lane.tile(QUERIES, width);
    keys = lane.tile(width, KEYS);
    values = lane.tile(KEYS, width);
    o = lane.tile(QUERIES, width);
  }

  /** Returns one kernel per lane, made once per engine and head width. */
  static AttentionKernel[] forEngine(Engine engine, int width) {
    record Key(int width) {}

    return engine.perLane(
        new Key(width), lane -> new AttentionKernel(lane, width), new AttentionKernel[0]);
  }

  /** The products over scores of a whole number of key blocks. */
  private record Steps(Tile scores, Product[] scoring, Product softmax, Product[] output) {}

  /** Prepares for a number of key blocks; rows lie densely, or oneDNN's softmax is slow. */
  private Steps steps(int blocks) {
    while (byBlocks.size() < blocks) {
      byBlocks.add(null);
    }
    if (byBlocks.get(blocks - 1) == null) {
      if (scores == null || scores.columns() < blocks * KEYS) {
        scores = lane.tile(QUERIES, Math.max(4, Integer.highestOneBit(2 * blocks - 1)) * KEYS);
        byBlocks.replaceAll(old -> null);
      }
      Tile all = scores.narrow(blocks * KEYS);
      Product[] scoring = new Product[blocks];
      Product[] output = new Product[blocks];
      for (int i = 0; i < blocks; i++) {
        Tile part = all.part(0, QUERIES, i * KEYS, KEYS);
        scoring[i] = lane.product(q, false, keys, false, part, false); // (M,d)·(d,N) -> (M,N)
        output[i] = lane.product(part, false, values, false, o, i > 0); // (M,N)·(N,d) -> (M,d)
      }
      byBlocks.set(blocks - 1, new Steps(all, scoring, lane.softmax(all), output));
    }
    return byBlocks.get(blocks - 1);
  }

  /**
   * Writes the outputs of n queries; the first of them sees {@code seen} keys before its own, or as
   * many of them as the window lets it.
   */
  void attend(
      CacheHead cache,
      int seen,
      int n,
      int window,
      double scale,
      Rows queries,
      Rows out,
      int batch,
      int token,
      int head) {
    Arrays.fill(factors, scale);
    lane.load(queries, batch, token, head, n, factors, q);
    int first = firstSeen(seen, window) / KEYS;
    int blocks = CacheHead.blocksFor(seen + n) - first;
    Steps steps = steps(blocks);
    for (int i = 0; i < blocks; i++) {
      lane.loadKeys(cache, first + i, keys);
      steps.scoring()[i].run();
    }
    for (int i = 0; i < QUERIES; i++) {
      // Queries beyond n are zeros whose outputs nobody reads; they see what the last one sees.
      int own = seen + Math.min(i, n - 1);
      int from = firstSeen(own, window) - first * KEYS;
      int to = own + 1 - first * KEYS;
      lane.fill(steps.scores(), i, 0, from, Double.NEGATIVE_INFINITY);
      lane.fill(steps.scores(), i, to, blocks * KEYS, Double.NEGATIVE_INFINITY);
    }
    steps.softmax().run();
    for (int i = 0; i < blocks; i++) {
      lane.loadValues(cache, first + i, values);
      clearBeyond(seen + n - (first + i) * KEYS);
      steps.output()[i].run();
    }
    lane.store(o, n, 1, out, batch, token, head);
  }

  /** Forgets values that were rolled back or never were: 0·NaN would bring them back. */
  private void clearBeyond(int count) {
    for (int i = count; i < KEYS; i++) {
      lane.fill(values, i, 0, values.columns(), 0);
    }
  }

  private static int firstSeen(int position, int window) {
    return Math.max(0, position + 1 - window);
  }
}
