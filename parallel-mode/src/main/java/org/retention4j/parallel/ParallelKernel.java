package org.retention4j.parallel;

import org.retention4j.core.HeadPass;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Lane;
import org.retention4j.engine.Product;
import org.retention4j.engine.Tile;

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
final class ParallelKernel implements RetentionForm.HeadKernel {
  private final Lane lane;
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
    this.lane = lane;
    this.block = block;
    q = lane.tile(block, keyWidth);
    decayedQ = lane.tile(block, keyWidth);
    k = lane.tile(block, keyWidth);
    v = lane.tile(block, valueWidth);
    scores = lane.tile(block, block);
    o = lane.tile(block, valueWidth);
    s = lane.tile(keyWidth, valueWidth);
    update = lane.tile(keyWidth, valueWidth);
    diagonalScores = lane.product(q, false, k, true, scores, false); // (N,K)·(K,N) -> (N,N)
    earlierScores = lane.product(decayedQ, false, k, true, scores, false);
    addOutput = lane.product(scores, false, v, false, o, true); // (N,N)·(N,V) -> (N,V)
    addCrossOutput = lane.product(decayedQ, false, s, false, o, true); // (N,K)·(K,V) -> (N,V)
    addUpdate = lane.product(k, true, v, false, update, true); // (K,N)·(N,V) -> (K,V)
    logDecay = new double[block];
    fromStart = new double[block];
    factors = new double[block];
  }

  @Override
  public void advance(HeadPass pass) {
    lane.readState(pass.state(), s);
    for (int t = 0; t < pass.tokens(); t += block) {
      outputs(pass, t, Math.min(block, pass.tokens() - t));
    }
    advanceState(pass);
  }

  /** Computes the outputs of the n queries from token {@code from} on. */
  private void outputs(HeadPass pass, int from, int n) {
    pass.logDecays(from, n, logDecay);
    pass.decayFromStart(from, n, fromStart);
    lane.load(pass.q(), pass.batch(), from, pass.head(), n, null, q);
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(fromStart[i]);
    }
    lane.scaleRows(q, n, factors, decayedQ);
    lane.clear(o);
    boolean finite = loadKeysAndValues(pass, from, n, null);
    diagonalScores.run();
    lane.causalDecay(scores, n, logDecay, pass.uniformDecay());
    if (finite) {
      addOutput.run();
    } else {
      // A product would spread 0·NaN of a later token into an earlier one.
      lane.addCausalProduct(scores, v, n, o);
    }
    double between = addEarlierBlocks(pass, from);
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(fromStart[i] + between);
    }
    lane.scaleRows(q, n, factors, decayedQ);
    addCrossOutput.run();
    lane.store(o, n, pass.scale(), pass.out(), pass.batch(), from, pass.head());
  }

  /** Adds every earlier block of keys, nearest first; returns the log decay from 0 to from. */
  private double addEarlierBlocks(HeadPass pass, int from) {
    double between = 0;
    for (int t = from - block; t >= 0; t -= block) {
      double whole = decayAfterKeys(pass, t, block, between);
      loadKeysAndValues(pass, t, block, factors);
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
  private double decayAfterKeys(HeadPass pass, int t, int n, double after) {
    pass.decayToEnd(t, n, factors);
    double whole = factors[0] + pass.logDecay(t);
    for (int j = 0; j < n; j++) {
      factors[j] = Math.exp(after + factors[j]);
    }
    return whole;
  }

  private boolean loadKeysAndValues(HeadPass pass, int t, int n, double[] keyFactors) {
    boolean finite = lane.load(pass.k(), pass.batch(), t, pass.kvHead(), n, keyFactors, k);
    return finite & lane.load(pass.v(), pass.batch(), t, pass.kvHead(), n, null, v);
  }

  /** Sums e^(G_T−G_j) k_jᵀ v_j over all tokens, last block first, and adds it to the state. */
  private void advanceState(HeadPass pass) {
    lane.clear(update);
    double after = 0;
    int last = (pass.tokens() - 1) / block * block;
    for (int t = last; t >= 0; t -= block) {
      int n = Math.min(block, pass.tokens() - t);
      double whole = decayAfterKeys(pass, t, n, after);
      loadKeysAndValues(pass, t, n, factors);
      addUpdate.run();
      after += whole;
    }
    lane.decayAndAdd(pass.state(), after, update, null);
  }
}
