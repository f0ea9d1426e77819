package org.retention4j.chunkwise;

import java.util.Arrays;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * The way back, chunk after chunk from the last. On the way forth the states at the chunks' starts
 * are computed again and kept. With dO the gradient of the outputs, M_ij = e^(G_i−G_j) for j ≤ i,
 * a_i = e^(G_i), b_j = e^(G_C−G_j), S the state that came into the chunk, dS' the gradient of the
 * one that left it and s the scale,
 *
 * <pre>
 * A  = (Q Kᵀ)⊙M                dA = s (dO Vᵀ)⊙M
 * dQ = dA K + s a⊙(dO Sᵀ)      dK = dAᵀ Q + b⊙(V dS'ᵀ)      dV = s Aᵀ dO + b⊙(K dS')
 * dS = e^(G_C) dS' + s (a⊙Q)ᵀ dO
 * dG_i = q_i·dq_i − k_i·dk_i,  and of the chunk's last one  + ⟨e^(G_C) S + Kᵀ(b⊙V), dS'⟩
 * </pre>
 *
 * <p>A chunk ends at a reset: nothing crosses it, not even a factor 0.
 */
final class ChunkGradient implements HeadGradient {
  private final TileOps tiles;
  private final StateOps state;
  private final int chunk;
  private final int keyWidth;
  private final int valueWidth;
  private final Tile q;
  private final Tile k;
  private final Tile v;
  private final Tile out;
  private final Tile decayedK;
  private final Tile decayedV;
  private final Tile decayedOut;
  private final Tile scores;
  private final Tile scoresGradient;
  private final Tile s;
  private final Tile stateGradient;
  private final Tile update;
  private final Tile queries;
  private final Tile keys;
  private final Tile keysOfState;
  private final Tile values;
  private final Product updating;
  private final Product scoring;
  private final Product scoringGradient;
  private final Product[] back;
  private final double[] logDecay;
  private final double[] factors;
  private final double[] whole = new double[1];
  private final double[] ones;
  private final double[] dots;

  ChunkGradient(Lane lane, int chunk, int keyWidth, int valueWidth) {
    tiles = lane.tiles();
    state = lane.state();
    this.chunk = chunk;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    q = tiles.tile(chunk, keyWidth);
    k = tiles.tile(chunk, keyWidth);
    v = tiles.tile(chunk, valueWidth);
    out = tiles.tile(chunk, valueWidth);
    decayedK = tiles.tile(chunk, keyWidth);
    decayedV = tiles.tile(chunk, valueWidth);
    decayedOut = tiles.tile(chunk, valueWidth);
    scores = tiles.tile(chunk, chunk);
    scoresGradient = tiles.tile(chunk, chunk);
    s = tiles.tile(keyWidth, valueWidth);
    stateGradient = tiles.tile(keyWidth, valueWidth);
    update = tiles.tile(keyWidth, valueWidth);
    queries = tiles.tile(chunk, keyWidth);
    keys = tiles.tile(chunk, keyWidth);
    keysOfState = tiles.tile(chunk, keyWidth);
    values = tiles.tile(chunk, valueWidth);
    updating = tiles.product(k, true, decayedV, false, update, false); // Kᵀ(b⊙V)
    back =
        new Product[] {
          tiles.product(scoresGradient, false, k, false, queries, false), // dA K
          tiles.product(decayedOut, false, s, true, queries, true), // (a⊙dO) Sᵀ
          tiles.product(decayedV, false, stateGradient, true, keysOfState, false), // (b⊙V) dS'ᵀ
          tiles.product(scoresGradient, true, q, false, keys, false), // dAᵀ Q
          tiles.product(decayedV, false, stateGradient, true, keys, true),
          tiles.product(scores, true, out, false, values, false), // Aᵀ dO
          tiles.product(decayedK, false, stateGradient, false, values, true), // (b⊙K) dS'
          tiles.product(q, true, decayedOut, false, update, false) // Qᵀ(a⊙dO)
        };
    scoring = tiles.product(q, false, k, true, scores, false);
    scoringGradient = tiles.product(out, false, v, true, scoresGradient, false);
    logDecay = new double[chunk];
    factors = new double[chunk];
    ones = new double[keyWidth];
    Arrays.fill(ones, 1);
    dots = new double[Math.max(chunk, keyWidth)];
  }

  @Override
  public void backward(HeadSlice slice, GradientSlice gradient) {
    int count = forth(slice, gradient);
    int end = slice.tokens();
    for (int i = count - 1; i >= 0; i--) {
      int start = start(slice.decays(), end);
      back(slice, gradient, gradient.tape().tile(i, keyWidth, valueWidth), start, end - start);
      end = start;
    }
  }

  /** Keeps the state at the start of each chunk; returns how many there are. */
  private int forth(HeadSlice slice, GradientSlice gradient) {
    state.read(slice.state(), s);
    int count = 0;
    for (int t = 0; t < slice.tokens(); count++) {
      int n = end(slice.decays(), t, slice.tokens()) - t;
      if (begins(slice.decays(), t)) {
        state.clear(slice.state());
        tiles.clear(s);
      }
      Tile kept = gradient.tape().tile(count, keyWidth, valueWidth);
      tiles.scaleRows(s, keyWidth, ones, kept);
      tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, k);
      loadDecayedValues(slice, t, n);
      updating.run();
      slice.decays().fromStart(t, n, factors);
      state.decayAndAdd(slice.state(), factors, n - 1, update, s);
      t += n;
    }
    return count;
  }

  /** Returns the end of the chunk that begins at a token: a whole chunk on, a reset, or the end. */
  private int end(Decays decays, int t, int tokens) {
    int next = Math.min((t / chunk + 1) * chunk, tokens);
    return t + 1 < next ? decays.nextReset(t + 1, next) : next;
  }

  /** Returns where the chunk begins that ends at a token. */
  private int start(Decays decays, int end) {
    int start = (end - 1) / chunk * chunk;
    for (int next = end(decays, start, end); next < end; next = end(decays, start, end)) {
      start = next;
    }
    return start;
  }

  private static boolean begins(Decays decays, int t) {
    return decays.nextReset(t, t + 1) == t;
  }

  private void loadDecayedValues(HeadSlice slice, int t, int n) {
    slice.decays().toEnd(t, n, factors);
    for (int j = 0; j < n; j++) {
      factors[j] = Math.exp(factors[j]);
    }
    tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, factors, decayedV);
  }

  private void back(HeadSlice slice, GradientSlice gradient, Tile kept, int t, int n) {
    int b = slice.batch();
    boolean reset = begins(slice.decays(), t);
    tiles.scaleRows(kept, keyWidth, ones, s);
    state.read(gradient.state(), stateGradient);
    tiles.load(slice.q(), b, t, slice.head(), n, q);
    tiles.load(slice.k(), b, t, slice.kvHead(), n, k);
    tiles.load(slice.v(), b, t, slice.kvHead(), n, v);
    loadDecayedValues(slice, t, n);
    tiles.scaleRows(k, n, factors, decayedK);
    Arrays.fill(factors, 0, n, slice.scale());
    tiles.load(gradient.out(), b, t, slice.head(), n, factors, out);
    slice.decays().fromStart(t, n, factors);
    whole[0] = reset ? Double.NEGATIVE_INFINITY : factors[n - 1];
    for (int i = 0; i < n; i++) {
      factors[i] = reset ? 0 : Math.exp(factors[i]);
    }
    tiles.scaleRows(out, n, factors, decayedOut);
    slice.decays().each(t, n, logDecay);
    scoring.run();
    tiles.causalDecay(scores, n, logDecay, slice.decays().uniform());
    scoringGradient.run();
    tiles.causalDecay(scoresGradient, n, logDecay, slice.decays().uniform());
    for (Product product : back) {
      product.run();
    }
    tiles.store(queries, n, 1, gradient.q(), b, t, slice.head());
    tiles.addTo(keys, n, 1, gradient.k(), b, t, slice.kvHead());
    tiles.addTo(values, n, 1, gradient.v(), b, t, slice.kvHead());
    logDecays(gradient, t, n, reset);
    if (reset) {
      state.clear(gradient.state());
    } else {
      state.decayAndAdd(gradient.state(), whole, 0, update);
    }
  }

  private void logDecays(GradientSlice gradient, int t, int n, boolean reset) {
    double[] sums = gradient.logDecay();
    Arrays.fill(sums, t, t + n, 0);
    tiles.addRowDots(q, queries, n, 1, sums, t);
    tiles.addRowDots(k, keys, n, -1, sums, t);
    Arrays.fill(dots, 0);
    tiles.addRowDots(s, stateGradient, keyWidth, 1, dots, 0);
    double ofState = Math.exp(whole[0]) * sum(keyWidth);
    Arrays.fill(dots, 0);
    tiles.addRowDots(k, keysOfState, n, 1, dots, 0);
    sums[t + n - 1] += ofState + sum(n);
    gradient.sumLogDecays(t, t + n, reset);
  }

  private double sum(int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += dots[i];
    }
    return sum;
  }
}
