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
 * <p>A chunk ends at a reset: nothing crosses it, not even a factor 0. Nor does 0·NaN reach a token
 * of the chunk: where something is not finite, products leave out what M makes 0.
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

  /** What products give, of which scores and their gradient are made. */
  private final Tile products;

  private final Tile productsGradient;
  private final Tile s;
  private final Tile stateGradient;
  private final Tile update;
  private final Tile queries;
  private final Tile keys;
  private final Tile values;
  private final Product updating;
  private final Product scoring;
  private final Product scoringGradient;
  private final Product queriesOfState;
  private final Product addQueries;
  private final Product keysOfState;
  private final Product addKeys;
  private final Product valuesOfState;
  private final Product addValues;
  private final Product updatingGradient;
  private final ChunkDecays decays;
  private final double[] scales;
  private final double[] dots;

  ChunkGradient(Lane lane, TileOps tiles, int chunk, int keyWidth, int valueWidth) {
    this.tiles = tiles;
    state = lane.state();
    this.chunk = chunk;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    q = tiles.operand(chunk, keyWidth);
    k = tiles.operand(chunk, keyWidth);
    v = tiles.operand(chunk, valueWidth);
    out = tiles.operand(chunk, valueWidth);
    decayedK = tiles.operand(chunk, keyWidth);
    decayedV = tiles.operand(chunk, valueWidth);
    decayedOut = tiles.operand(chunk, valueWidth);
    scores = tiles.operand(chunk, chunk);
    scoresGradient = tiles.operand(chunk, chunk);
    products = tiles.result(scores);
    productsGradient = tiles.result(scoresGradient);
    s = tiles.operand(keyWidth, valueWidth);
    stateGradient = tiles.operand(keyWidth, valueWidth);
    update = tiles.tile(keyWidth, valueWidth);
    queries = tiles.tile(chunk, keyWidth);
    keys = tiles.tile(chunk, keyWidth);
    values = tiles.tile(chunk, valueWidth);
    updating = tiles.product(k, true, decayedV, false, update, false); // Kᵀ(b⊙V)
    scoring = tiles.product(q, false, k, true, products, false);
    scoringGradient = tiles.product(out, false, v, true, productsGradient, false);
    queriesOfState = tiles.product(decayedOut, false, s, true, queries, false); // (a⊙dO) Sᵀ
    addQueries = tiles.product(scoresGradient, false, k, false, queries, true); // dA K
    keysOfState = tiles.product(decayedV, false, stateGradient, true, keys, false); // (b⊙V) dS'ᵀ
    addKeys = tiles.product(scoresGradient, true, q, false, keys, true); // dAᵀ Q
    valuesOfState = tiles.product(decayedK, false, stateGradient, false, values, false);
    addValues = tiles.product(scores, true, out, false, values, true); // Aᵀ dO
    updatingGradient = tiles.product(q, true, decayedOut, false, update, false); // Qᵀ(a⊙dO)
    decays = new ChunkDecays(chunk);
    scales = new double[chunk];
    dots = new double[Math.max(chunk, keyWidth)];
  }

  @Override
  public void backward(HeadSlice slice, GradientSlice gradient) {
    int count = forth(slice, gradient);
    state.read(gradient.state(), stateGradient);
    Arrays.fill(scales, slice.scale());
    int end = slice.tokens();
    for (int i = count - 1; i >= 0; i--) {
      int start = start(slice.decays(), end);
      tiles.copy(gradient.tape().tile(i, keyWidth, valueWidth), s);
      back(slice, gradient, start, end - start);
      end = start;
    }
  }

  /** Keeps the state at the start of each chunk; returns how many there are. */
  private int forth(HeadSlice slice, GradientSlice gradient) {
    int count = 0;
    for (int t = 0; ; count++) {
      if (begins(slice.decays(), t)) {
        state.clear(slice.state());
      }
      state.read(slice.state(), gradient.tape().tile(count, keyWidth, valueWidth));
      int end = end(slice.decays(), t, slice.tokens());
      if (end == slice.tokens()) {
        return count + 1;
      }
      int n = end - t;
      decays.of(slice.decays(), t, n);
      tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, k);
      tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, decays.toEnd(), decayedV);
      updating.run();
      state.decayAndAdd(slice.state(), decays.whole(), 0, update);
      t = end;
    }
  }

  /** Returns the end of the chunk that begins at a token: a whole chunk on, a reset, or the end. */
  private int end(Decays of, int t, int tokens) {
    int next = Math.min((t / chunk + 1) * chunk, tokens);
    return t + 1 < next ? of.nextReset(t + 1, next) : next;
  }

  /** Returns where the chunk begins that ends at a token. */
  private int start(Decays of, int end) {
    int start = (end - 1) / chunk * chunk;
    for (int next = end(of, start, end); next < end; next = end(of, start, end)) {
      start = next;
    }
    return start;
  }

  private static boolean begins(Decays of, int t) {
    return of.nextReset(t, t + 1) == t;
  }

  private void back(HeadSlice slice, GradientSlice gradient, int t, int n) {
    int b = slice.batch();
    boolean reset = begins(slice.decays(), t);
    decays.of(slice.decays(), t, n);
    boolean finiteQ = tiles.load(slice.q(), b, t, slice.head(), n, q);
    boolean finiteK = tiles.load(slice.k(), b, t, slice.kvHead(), n, k);
    tiles.load(slice.v(), b, t, slice.kvHead(), n, v);
    boolean finiteOut = tiles.load(gradient.out(), b, t, slice.head(), n, scales, out);

    scoringGradient.run();
    decays.apply(tiles, productsGradient);
    tiles.copy(productsGradient, scoresGradient);
    if (reset) {
      tiles.clear(queries);
    } else {
      tiles.scaleRows(out, n, decays.fromStart(), decayedOut);
      queriesOfState.run();
    }
    if (finiteK) {
      addQueries.run();
    } else {
      tiles.addCausalProduct(scoresGradient, k, n, queries);
    }
    tiles.store(queries, n, 1, gradient.q(), b, t, slice.head());

    tiles.scaleRows(v, n, decays.toEnd(), decayedV);
    keysOfState.run();
    double ofState = gradient.wantsLogDecay() ? dotsOfState(n) : 0;
    if (finiteQ) {
      addKeys.run();
    } else {
      tiles.addCausalTranspose(scoresGradient, q, n, keys);
    }
    tiles.addTo(keys, n, 1, gradient.k(), b, t, slice.kvHead());

    scoring.run();
    decays.apply(tiles, products);
    tiles.copy(products, scores);
    tiles.scaleRows(k, n, decays.toEnd(), decayedK);
    valuesOfState.run();
    if (finiteOut) {
      addValues.run();
    } else {
      tiles.addCausalTranspose(scores, out, n, values);
    }
    tiles.addTo(values, n, 1, gradient.v(), b, t, slice.kvHead());

    if (gradient.wantsLogDecay()) {
      logDecays(gradient, t, n, ofState, reset);
    }
    stateGradient(gradient, reset);
  }

  /** Takes the gradient of the state from the end of a chunk to its start. */
  private void stateGradient(GradientSlice gradient, boolean reset) {
    if (reset) {
      state.clear(gradient.state());
      tiles.clear(stateGradient);
    } else {
      updatingGradient.run();
      state.decayAndAdd(gradient.state(), decays.whole(), 0, update, stateGradient);
    }
  }

  /** Returns ⟨e^(G_C) S + Kᵀ(b⊙V), dS'⟩; the keys' gradients are (b⊙V) dS'ᵀ still. */
  private double dotsOfState(int n) {
    double ofState = sumOfDots(s, stateGradient, keyWidth);
    return Math.exp(decays.whole()[0]) * ofState + sumOfDots(k, keys, n);
  }

  private double sumOfDots(Tile a, Tile b, int n) {
    Arrays.fill(dots, 0);
    tiles.addRowDots(a, b, n, 1, dots, 0);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += dots[i];
    }
    return sum;
  }

  private void logDecays(GradientSlice gradient, int t, int n, double ofState, boolean reset) {
    double[] sums = gradient.logDecay();
    Arrays.fill(sums, t, t + n, 0);
    tiles.addRowDots(q, queries, n, 1, sums, t);
    tiles.addRowDots(k, keys, n, -1, sums, t);
    sums[t + n - 1] += ofState;
    gradient.sumLogDecays(t, t + n, reset);
  }
}
