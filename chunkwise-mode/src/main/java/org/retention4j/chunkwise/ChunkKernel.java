package org.retention4j.chunkwise;

import org.retention4j.core.HeadPass;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Lane;
import org.retention4j.engine.Product;
import org.retention4j.engine.Tile;

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
 * own, ≤ 0, and nothing else is exponentiated.
 */
final class ChunkKernel implements RetentionForm.HeadKernel {
  private final Lane lane;
  private final int chunk;
  private final Tile q;
  private final Tile k;
  private final Tile left;
  private final Tile scores;
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
  private final double[] logDecay;
  private final double[] fromStart;
  private final double[] factors;

  ChunkKernel(Lane lane, int chunk, int keyWidth, int valueWidth) {
    this.lane = lane;
    this.chunk = chunk;
    q = lane.tile(chunk, keyWidth);
    k = lane.tile(chunk, keyWidth);
    left = lane.tile(chunk, chunk + keyWidth);
    scores = left.part(0, chunk, 0, chunk);
    decayedQ = left.part(0, chunk, chunk, keyWidth);
    right = lane.tile(chunk + keyWidth, valueWidth);
    v = right.part(0, chunk, 0, valueWidth);
    s = right.part(chunk, keyWidth, 0, valueWidth);
    o = lane.tile(chunk, valueWidth);
    update = lane.tile(keyWidth, valueWidth);
    scoring = lane.product(q, false, k, true, scores, false); // (C,K)·(K,C) -> (C,C)
    output = lane.product(left, false, right, false, o, false); // (C,C+K)·(C+K,V) -> (C,V)
    crossOutput = lane.product(decayedQ, false, s, false, o, false); // (C,K)·(K,V) -> (C,V)
    updating = lane.product(k, true, v, false, update, false); // (K,C)·(C,V) -> (K,V)
    logDecay = new double[chunk];
    fromStart = new double[chunk];
    factors = new double[chunk];
  }

  @Override
  public void advance(HeadPass pass) {
    lane.readState(pass.state(), s);
    for (int t = 0; t < pass.tokens(); t += chunk) {
      advanceChunk(pass, t, Math.min(chunk, pass.tokens() - t));
    }
  }

  private void advanceChunk(HeadPass pass, int t, int n) {
    pass.logDecays(t, n, logDecay);
    pass.decayFromStart(t, n, fromStart);
    lane.load(pass.q(), pass.batch(), t, pass.head(), n, null, q);
    boolean finite = lane.load(pass.k(), pass.batch(), t, pass.kvHead(), n, null, k);
    finite &= lane.load(pass.v(), pass.batch(), t, pass.kvHead(), n, null, v);

    scoring.run();
    lane.causalDecay(scores, n, logDecay, pass.uniformDecay());
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(fromStart[i]);
    }
    lane.scaleRows(q, n, factors, decayedQ);
    if (finite) {
      output.run();
    } else {
      // A product would spread 0·NaN of a later token into an earlier one.
      crossOutput.run();
      lane.addCausalProduct(scores, v, n, o);
    }
    lane.store(o, n, pass.scale(), pass.out(), pass.batch(), t, pass.head());

    pass.decayToEnd(t, n, factors);
    for (int j = 0; j < n; j++) {
      factors[j] = Math.exp(factors[j]);
    }
    lane.scaleRows(k, n, factors, k);
    updating.run();
    lane.decayAndAdd(pass.state(), fromStart[n - 1], update, s);
  }
}
