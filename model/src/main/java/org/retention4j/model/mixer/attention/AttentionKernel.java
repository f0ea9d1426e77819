package org.retention4j.model.mixer.attention;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/**
 * A block of queries of one head against the cache, block of keys after block of keys up to the
 * last key that any of the queries may see; what lies above the diagonal is not computed.
 */
final class AttentionKernel {
  private static final int SMALL = 16;
  private static final int MEDIUM = 64;
  private static final int LARGE = 256;

  private static final int KEYS = KvHead.BLOCK;

  private final Lane lane;
  private final int size;
  private final Tile q;
  private final Tile keys;
  private final Tile values;
  private final Tile o;
  private final double[] factors;
  private final Map<Integer, Steps> steps = new HashMap<>();
  private Tile scores;

  private AttentionKernel(Lane lane, int width, int size) {
    this.lane = lane;
    this.size = size;
    factors = new double[size];
    q = lane.tiles().tile(size, width);
    keys = lane.tiles().tile(width, KEYS);
    values = lane.tiles().tile(KEYS, width);
    o = lane.tiles().tile(size, width);
  }

  /** Returns how many queries a block should have when a piece has so many tokens. */
  static int queries(int tokens) {
    return tokens <= SMALL ? SMALL : tokens <= MEDIUM ? MEDIUM : LARGE;
  }

  /** Returns one kernel per lane, made once per engine, head width and size of a block. */
  static AttentionKernel[] forEngine(Engine engine, int width, int queries) {
    record Key(int width, int queries) {}

    return engine.perLane(
        new Key(width, queries),
        lane -> new AttentionKernel(lane, width, queries),
        new AttentionKernel[0]);
  }

  /** The products over scores of a whole number of key blocks. */
  private record Steps(Tile scores, Product[] scoring, Product softmax, Product[] output) {}

  /**
   * Returns what is prepared for a number of key blocks or somewhat more: few such numbers, for
   * each is prepared only once and kept.
   */
  private Steps steps(int blocks) {
    int step = Math.max(1, Integer.highestOneBit(blocks) / 4);
    int rounded = (blocks + step - 1) / step * step;
    if (scores == null || scores.columns() < rounded * KEYS) {
      scores = lane.tiles().tile(size, Math.max(4, Integer.highestOneBit(2 * rounded - 1)) * KEYS);
      steps.clear();
    }
    return steps.computeIfAbsent(rounded, this::prepare);
  }

  /** Prepares; rows of scores lie densely, or oneDNN's softmax is slow. */
  private Steps prepare(int blocks) {
    Tile all = scores.narrow(blocks * KEYS);
    Product[] scoring = new Product[blocks];
    Product[] output = new Product[blocks];
    for (int i = 0; i < blocks; i++) {
      Tile part = all.part(0, size, i * KEYS, KEYS);
      scoring[i] = lane.tiles().product(q, false, keys, false, part, false); // (M,d)·(d,N) -> (M,N)
      output[i] =
          lane.tiles().product(part, false, values, false, o, i > 0); // (M,N)·(N,d) -> (M,d)
    }
    return new Steps(all, scoring, lane.tiles().softmax(all), output);
  }

  /**
   * What all calls of a plan share: the rows of queries and of their outputs, and who sees whom.
   */
  record Rows(RowView queries, RowView out, int window, double scale) {}

  /**
   * Writes the outputs of n queries; the first of them sees {@code seen} keys before its own, or as
   * many of them as the window lets it.
   */
  void attend(Rows rows, KvHead cache, int seen, int n, int batch, int token, int head) {
    int window = rows.window();
    Arrays.fill(factors, rows.scale());
    lane.tiles().load(rows.queries(), batch, token, head, n, factors, q);
    int first = firstSeen(seen, window) / KEYS;
    int blocks = KvHead.blocksFor(seen + n) - first;
    Steps prepared = steps(blocks);
    for (int i = 0; i < blocks; i++) {
      lane.cache().loadKeys(cache, first + i, keys);
      prepared.scoring()[i].run();
    }
    for (int i = 0; i < size; i++) {
      // Queries beyond n are zeros whose outputs nobody reads; they see what the last one sees.
      int own = seen + Math.min(i, n - 1);
      int from = firstSeen(own, window) - first * KEYS;
      int to = own + 1 - first * KEYS;
      lane.tiles().fill(prepared.scores(), i, 0, from, Double.NEGATIVE_INFINITY);
      lane.tiles()
          .fill(prepared.scores(), i, to, prepared.scores().columns(), Double.NEGATIVE_INFINITY);
    }
    prepared.softmax().run();
    for (int i = 0; i < blocks; i++) {
      lane.cache().loadValues(cache, first + i, values);
      int start = (first + i) * KEYS;
      clearBeyond(seen + n - start);
      if (cache.nonFinite(first + i) && !seenByAll(start, seen, n, window)) {
        Tile weights = prepared.scores().part(0, size, i * KEYS, KEYS);
        addSeen(weights, i == 0, seen - start, n, window);
      } else {
        prepared.output()[i].run();
      }
    }
    lane.tiles().store(o, n, 1, rows.out(), batch, token, head);
  }

  /** Forgets values that were rolled back or never were: 0·NaN would bring them back. */
  private void clearBeyond(int count) {
    for (int i = count; i < KEYS; i++) {
      lane.tiles().fill(values, i, 0, values.columns(), 0);
    }
  }

  /** Returns whether each of n queries sees each key of a block that holds any. */
  private static boolean seenByAll(int start, int seen, int n, int window) {
    return start + KEYS <= seen + 1 && start >= firstSeen(seen + n - 1, window);
  }

  /** Adds to each query's output what it sees of a block: 0·NaN would let it see more. */
  private void addSeen(Tile weights, boolean firstBlock, int diagonal, int n, int window) {
    if (firstBlock) {
      lane.tiles().clear(o);
    }
    lane.tiles().addBandProduct(weights, values, n, diagonal, window, o);
  }

  private static int firstSeen(int position, int window) {
    return Math.max(0, position + 1 - window);
  }
}
