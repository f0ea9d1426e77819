package org.retention4j.chunkwise;

import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * One head, chunk after chunk. With G the cumulative log decay inside the chunk and S the state
 * that came in,
 *
 * <pre>
 * o_i = scale · ( Σ_(j≤i) (q_i·k_j) e^(G_i−G_j) v_j + e^(G_i) q_i S )
 * S'  = e^(G_C) S + Σ_j e^(G_C−G_j) k_jᵀ v_j
 * </pre>
 *
 * <p>The two terms of o are one product: [scores | e^G q] · [v ; S]. Each G_i−G_j is a sum of its
 * own, ≤ 0, and nothing else is exponentiated. Chunks need not be aligned to resets: what a reset
 * parts from a token has the factor 0.
 */
final class ChunkKernel implements HeadKernel {
  /** The log decay of a state that a reset drops. */
  private static final double[] DROPPED = {Double.NEGATIVE_INFINITY};

  private final TileOps tiles;
  private final StateOps state;
  private final int chunk;
  private final Tile q;
  private final Tile k;
  private final Tile left;
  private final Tile scores;

  /** What the product of queries and keys gives, of which the scores are made. */
  private final Tile products;

  private final Tile decayedQ;
  private final Tile right;
  private final Tile v;
  private final Tile s;
  private final Tile o;
  private final Tile update;
  private final Product scoring;
  private final Product output;
  private final Product crossOutput;
  private final Product updating;
  private final ChunkDecays decays;
  private final double[] factors;

  /** The first token of each token's segment, counted from the chunk's first. */
  private final int[] starts;

  ChunkKernel(Lane lane, TileOps tiles, int chunk, int keyWidth, int valueWidth) {
    this.tiles = tiles;
    state = lane.state();
    this.chunk = chunk;
    q = tiles.operand(chunk, keyWidth);
    k = tiles.operand(chunk, keyWidth);
    left = tiles.operand(chunk, chunk + keyWidth);
    scores = left.part(0, chunk, 0, chunk);
    products = tiles.result(scores);
    decayedQ = left.part(0, chunk, chunk, keyWidth);
    right = tiles.operand(chunk + keyWidth, valueWidth);
    v = right.part(0, chunk, 0, valueWidth);
    s = right.part(chunk, keyWidth, 0, valueWidth);
    o = tiles.tile(chunk, valueWidth);
    update = tiles.tile(keyWidth, valueWidth);
    scoring = tiles.product(q, false, k, true, products, false); // (C,K)·(K,C) -> (C,C)
    output = tiles.product(left, false, right, false, o, false); // (C,C+K)·(C+K,V) -> (C,V)
    crossOutput = tiles.product(decayedQ, false, s, false, o, false); // (C,K)·(K,V) -> (C,V)
    updating = tiles.product(k, true, v, false, update, false); // (K,C)·(C,V) -> (K,V)
    decays = new ChunkDecays(chunk);
    factors = new double[chunk];
    starts = new int[chunk];
  }

  @Override
  public void advance(HeadSlice slice) {
    state.read(slice.state(), s);
    for (int t = 0; t < slice.tokens(); t += chunk) {
      advanceChunk(slice, t, Math.min(chunk, slice.tokens() - t));
    }
  }

  private void advanceChunk(HeadSlice slice, int t, int n) {
    tiles.load(slice.q(), slice.batch(), t, slice.head(), n, q);
    boolean finite = tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, k);
    finite &= tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, v);
    if (slice.decays().nextReset(t, t + 1) == t) {
      state.clear(slice.state());
      tiles.clear(s);
    }
    int last = slice.decays().segments(t, n, starts);
    if (last > 0 && !(finite && tiles.allFinite(s))) {
      advanceSegments(slice, t, n);
      return;
    }
    decays.of(slice.decays(), t, n);
    scoring.run();
    decays.apply(tiles, products, last > 0 ? starts : null);
    tiles.copy(products, scores);
    tiles.scaleRows(q, n, fromStart(n, last), decayedQ);
    if (finite) {
      output.run();
    } else {
      // A product would spread 0·NaN of a later token into an earlier one.
      crossOutput.run();
      tiles.addCausalProduct(scores, v, n, o);
    }
    tiles.store(o, n, slice.scale(), slice.out(), slice.batch(), t, slice.head());

    tiles.scaleRows(k, n, toEnd(n, last), k);
    updating.run();
    state.decayAndAdd(slice.state(), last > 0 ? DROPPED : decays.whole(), 0, update, s);
  }

  /** Returns the factors of what came into the chunk, 0 from its first reset on. */
  private double[] fromStart(int n, int last) {
    if (last == 0) {
      return decays.fromStart();
    }
    for (int i = 0; i < n; i++) {
      factors[i] = starts[i] > 0 ? 0 : decays.fromStart()[i];
    }
    return factors;
  }

  /** Returns each token's factor at the chunk's end, 0 before its last reset. */
  private double[] toEnd(int n, int last) {
    if (last == 0) {
      return decays.toEnd();
    }
    for (int j = 0; j < n; j++) {
      factors[j] = j < last ? 0 : decays.toEnd()[j];
    }
    return factors;
  }

  /** One segment after the other: a factor 0 keeps no NaN from what comes after a reset. */
  private void advanceSegments(HeadSlice slice, int t, int n) {
    int from = t;
    while (from < t + n) {
      int end = slice.decays().nextReset(from + 1, t + n);
      advanceChunk(slice, from, end - from);
      from = end;
    }
  }
}
