package org.retention4j.parallel;

import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * One head, a block of queries after another, each against all earlier blocks of keys:
 *
 * <pre>
 * o_i = scale · ( e^(G_i) q_i S_0 + Σ_(j≤i) (q_i·k_j) e^(G_i−G_j) v_j )
 * S_T = e^(G_T) S_0 + Σ_j e^(G_T−G_j) k_jᵀ v_j
 * </pre>
 *
 * <p>Between two blocks the decay e^(G_i−G_j) is split at the blocks' borders into three factors,
 * each ≤ 1: one for the query's row, one for what lies between, one for the key's row. Each is a
 * sum of its own, so distances never come from the difference of two long sums.
 */
final class ParallelKernel implements HeadKernel {
  private final TileOps tiles;
  private final StateOps state;
  private final int block;
  private final Tile q;
  private final Tile decayedQ;
  private final Tile k;
  private final Tile v;
  private final Tile scores;
  private final Tile o;
  private final Tile s;
  private final Tile update;
  private final Product diagonalScores;
  private final Product earlierScores;
  private final Product addOutput;
  private final Product addCrossOutput;
  private final Product addUpdate;
  private final double[] logDecay;
  private final double[] fromStart;
  private final double[] factors;

  ParallelKernel(Lane lane, int block, int keyWidth, int valueWidth) {
    tiles = lane.tiles();
    state = lane.state();
    this.block = block;
    q = tiles.tile(block, keyWidth);
    decayedQ = tiles.tile(block, keyWidth);
    k = tiles.tile(block, keyWidth);
    v = tiles.tile(block, valueWidth);
    scores = tiles.tile(block, block);
    o = tiles.tile(block, valueWidth);
    s = tiles.tile(keyWidth, valueWidth);
    update = tiles.tile(keyWidth, valueWidth);
    diagonalScores = tiles.product(q, false, k, true, scores, false); // (N,K)·(K,N) -> (N,N)
    earlierScores = tiles.product(decayedQ, false, k, true, scores, false);
    addOutput = tiles.product(scores, false, v, false, o, true); // (N,N)·(N,V) -> (N,V)
    addCrossOutput = tiles.product(decayedQ, false, s, false, o, true); // (N,K)·(K,V) -> (N,V)
    addUpdate = tiles.product(k, true, v, false, update, true); // (K,N)·(N,V) -> (K,V)
    logDecay = new double[block];
    fromStart = new double[block];
    factors = new double[block];
  }

  @Override
  public void advance(HeadSlice slice) {
    for (int from = 0; from < slice.tokens(); ) {
      if (slice.decays().nextReset(from, from + 1) == from) {
        state.clear(slice.state());
      }
      int end = slice.decays().nextReset(from + 1, slice.tokens());
      advanceSegment(slice, from, end);
      from = end;
    }
  }

  /** Advances over tokens that no reset parts. */
  private void advanceSegment(HeadSlice slice, int first, int end) {
    state.read(slice.state(), s);
    for (int t = first; t < end; t += block) {
      outputs(slice, first, t, Math.min(block, end - t));
    }
    advanceState(slice, first, end);
  }

  /** Computes the outputs of the n queries from token {@code from} on. */
  private void outputs(HeadSlice slice, int first, int from, int n) {
    slice.decays().each(from, n, logDecay);
    slice.decays().fromStart(from, n, fromStart);
    tiles.load(slice.q(), slice.batch(), from, slice.head(), n, q);
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(fromStart[i]);
    }
    tiles.scaleRows(q, n, factors, decayedQ);
    tiles.clear(o);
    boolean finite = loadKeysAndValues(slice, from, n);
    diagonalScores.run();
    tiles.causalDecay(scores, n, logDecay, slice.decays().uniform());
    if (finite) {
      addOutput.run();
    } else {
      // A product would spread 0·NaN of a later token into an earlier one.
      tiles.addCausalProduct(scores, v, n, o);
    }
    double between = addEarlierBlocks(slice, first, from);
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(fromStart[i] + between);
    }
    tiles.scaleRows(q, n, factors, decayedQ);
    addCrossOutput.run();
    tiles.store(o, n, slice.scale(), slice.out(), slice.batch(), from, slice.head());
  }

  /** Adds every earlier block of keys, nearest first; returns the log decay from first to from. */
  private double addEarlierBlocks(HeadSlice slice, int first, int from) {
    double between = 0;
    for (int t = from - block; t >= first; t -= block) {
      double whole = decayAfterKeys(slice, t, block, between);
      loadScaledKeysAndValues(slice, t, block);
      earlierScores.run();
      addOutput.run();
      between += whole;
    }
    return between;
  }

  /**
   * Sets the factors of n keys: the decay from each to the end of its block and on over {@code
   * after}. Returns the log decay of the whole block.
   */
  private double decayAfterKeys(HeadSlice slice, int t, int n, double after) {
    slice.decays().toEnd(t, n, factors);
    double whole = factors[0] + slice.decays().of(t);
    for (int j = 0; j < n; j++) {
      factors[j] = Math.exp(after + factors[j]);
    }
    return whole;
  }

  /** Returns whether all are finite. */
  private boolean loadKeysAndValues(HeadSlice slice, int t, int n) {
    boolean finite = tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, k);
    return finite & tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, v);
  }

  /** Multiplies keys by {@link #factors}. */
  private void loadScaledKeysAndValues(HeadSlice slice, int t, int n) {
    tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, factors, k);
    tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, v);
  }

  /** Sums e^(G_T−G_j) k_jᵀ v_j of a segment, last block first, and adds it to the state. */
  private void advanceState(HeadSlice slice, int first, int end) {
    tiles.clear(update);
    double after = 0;
    int last = first + (end - 1 - first) / block * block;
    for (int t = last; t >= first; t -= block) {
      int n = Math.min(block, end - t);
      double whole = decayAfterKeys(slice, t, n, after);
      loadScaledKeysAndValues(slice, t, n);
      addUpdate.run();
      after += whole;
    }
    factors[0] = after;
    state.decayAndAdd(slice.state(), factors, 0, update);
  }
}
