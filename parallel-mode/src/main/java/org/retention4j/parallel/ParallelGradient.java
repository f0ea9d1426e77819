package org.retention4j.parallel;

import java.util.Arrays;
import org.retention4j.core.form.GradientSlice;
import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadSlice;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.StateOps;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * The way back in blocks of queries and keys; what is needed of A again is computed again, so that
 * memory does not grow with T². With dO the gradient of the outputs, s the scale, M_ij =
 * e^(G_i−G_j) for j ≤ i, and a segment's S_0 and dS_T,
 *
 * <pre>
 * dQ_i = s Σ_(j≤i) (do_i·v_j) M_ij k_j + s e^(G_i) do_i S_0ᵀ
 * dK_j = s Σ_(i≥j) (do_i·v_j) M_ij q_i + e^(G_T−G_j) v_j dS_Tᵀ
 * dV_j = s Σ_(i≥j) (q_i·k_j) M_ij do_i + e^(G_T−G_j) k_j dS_T
 * dS_0 = e^(G_T) dS_T + s Σ_i e^(G_i) q_iᵀ do_i
 * </pre>
 *
 * <p>Decays between two blocks are split at their borders, as on the way forth. Inside a block that
 * is not finite, products leave out what M makes 0: 0·NaN is not 0.
 */
final class ParallelGradient implements HeadGradient {
  private final TileOps tiles;
  private final StateOps state;
  private final int block;
  private final int keyWidth;
  private final int valueWidth;
  private final Tile q;
  private final Tile out;
  private final Tile decayedQ;
  private final Tile decayedOut;
  private final Tile k;
  private final Tile v;
  private final Tile decayedK;
  private final Tile decayedV;
  private final Tile scores;
  private final Tile scoresGradient;
  private final Tile s;
  private final Tile stateGradient;
  private final Tile update;
  private final Tile queries;
  private final Tile keys;
  private final Tile values;
  private final Product diagonalScores;
  private final Product earlierScores;
  private final Product diagonalGradient;
  private final Product earlierGradient;
  private final Product addQueries;
  private final Product addQueriesOfState;
  private final Product addKeys;
  private final Product keysOfState;
  private final Product addValues;
  private final Product valuesOfState;
  private final Product addUpdate;
  private final double[] logDecay;
  private final double[] factors;
  private final double[] dots;
  private final double[] whole = new double[1];
  private boolean finiteQ;
  private boolean finiteOut;
  private boolean finiteK;

  ParallelGradient(Lane lane, int block, int keyWidth, int valueWidth) {
    tiles = lane.tiles();
    state = lane.state();
    this.block = block;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    q = tiles.tile(block, keyWidth);
    out = tiles.tile(block, valueWidth);
    decayedQ = tiles.tile(block, keyWidth);
    decayedOut = tiles.tile(block, valueWidth);
    k = tiles.tile(block, keyWidth);
    v = tiles.tile(block, valueWidth);
    decayedK = tiles.tile(block, keyWidth);
    decayedV = tiles.tile(block, valueWidth);
    scores = tiles.tile(block, block);
    scoresGradient = tiles.tile(block, block);
    s = tiles.tile(keyWidth, valueWidth);
    stateGradient = tiles.tile(keyWidth, valueWidth);
    update = tiles.tile(keyWidth, valueWidth);
    queries = tiles.tile(block, keyWidth);
    keys = tiles.tile(block, keyWidth);
    values = tiles.tile(block, valueWidth);
    diagonalScores = tiles.product(q, false, k, true, scores, false);
    earlierScores = tiles.product(decayedQ, false, decayedK, true, scores, false);
    diagonalGradient = tiles.product(out, false, v, true, scoresGradient, false);
    earlierGradient = tiles.product(decayedOut, false, decayedV, true, scoresGradient, false);
    addQueries = tiles.product(scoresGradient, false, k, false, queries, true);
    addQueriesOfState = tiles.product(decayedOut, false, s, true, queries, true);
    addKeys = tiles.product(scoresGradient, true, q, false, keys, true);
    keysOfState = tiles.product(decayedV, false, stateGradient, true, keys, false);
    addValues = tiles.product(scores, true, out, false, values, true);
    valuesOfState = tiles.product(decayedK, false, stateGradient, false, values, false);
    addUpdate = tiles.product(q, true, decayedOut, false, update, true);
    logDecay = new double[block];
    factors = new double[block];
    dots = new double[Math.max(block, keyWidth)];
  }

  @Override
  public void backward(HeadSlice slice, GradientSlice gradient) {
    int count = forth(slice, gradient);
    for (int end = slice.tokens(), i = count - 1; end > 0; i--) {
      int start = start(slice, end);
      Tile kept = gradient.tape().tile(i, keyWidth, valueWidth);
      segment(slice, gradient, kept, start, end);
      end = start;
    }
  }

  private static boolean begins(HeadSlice slice, int t) {
    return slice.decays().nextReset(t, t + 1) == t;
  }

  /** Returns where the segment begins that ends at a token. */
  private static int start(HeadSlice slice, int end) {
    int start = 0;
    for (int next = next(slice, start, end); next < end; next = next(slice, start, end)) {
      start = next;
    }
    return start;
  }

  private static int next(HeadSlice slice, int from, int end) {
    return from + 1 < end ? slice.decays().nextReset(from + 1, end) : end;
  }

  /** Keeps the state that comes into each segment: all but the first begin with zeros. */
  private int forth(HeadSlice slice, GradientSlice gradient) {
    if (begins(slice, 0)) {
      state.clear(slice.state());
    }
    state.read(slice.state(), gradient.tape().tile(0, keyWidth, valueWidth));
    int count = 1;
    int tokens = slice.tokens();
    for (int t = next(slice, 0, tokens); t < tokens; t = next(slice, t, tokens)) {
      tiles.clear(gradient.tape().tile(count++, keyWidth, valueWidth));
    }
    return count;
  }

  private void segment(HeadSlice slice, GradientSlice gradient, Tile incoming, int first, int end) {
    tiles.copy(incoming, s);
    state.read(gradient.state(), stateGradient);
    Arrays.fill(gradient.logDecay(), first, end, 0);
    tiles.clear(update);
    double before = 0;
    for (int t = first; t < end; t += block) {
      before += queries(slice, gradient, first, t, Math.min(block, end - t), before);
    }
    double ofState = gradient.wantsLogDecay() ? dotsOfState(before) : 0;
    double after = 0;
    int last = first + (end - 1 - first) / block * block;
    for (int t = last; t >= first; t -= block) {
      int n = Math.min(block, end - t);
      ofState += keys(slice, gradient, t, n, end, after);
      after += loadKeys(slice, t, n, 0);
    }
    boolean reset = begins(slice, first);
    if (gradient.wantsLogDecay()) {
      gradient.logDecay()[end - 1] += ofState;
      gradient.sumLogDecays(first, end, reset);
    }
    if (reset) {
      state.clear(gradient.state());
    } else {
      whole[0] = before;
      state.decayAndAdd(gradient.state(), whole, 0, update);
    }
  }

  /** Returns e^(G_T)⟨S_0, dS_T⟩. */
  private double dotsOfState(double logDecayOfAll) {
    return Math.exp(logDecayOfAll) * sumOfDots(s, stateGradient, keyWidth);
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

  /** Loads q and s·dO of n tokens, and both decayed from a log decay before the first of them. */
  private double loadQueries(HeadSlice slice, GradientSlice gradient, int t, int n, double before) {
    finiteQ = tiles.load(slice.q(), slice.batch(), t, slice.head(), n, q);
    Arrays.fill(factors, 0, n, slice.scale());
    finiteOut = tiles.load(gradient.out(), slice.batch(), t, slice.head(), n, factors, out);
    slice.decays().fromStart(t, n, factors);
    double all = factors[n - 1];
    for (int i = 0; i < n; i++) {
      factors[i] = Math.exp(before + factors[i]);
    }
    tiles.scaleRows(q, n, factors, decayedQ);
    tiles.scaleRows(out, n, factors, decayedOut);
    return all;
  }

  /** Loads k and v of n tokens, and both decayed to a log decay behind the last of them. */
  private double loadKeys(HeadSlice slice, int t, int n, double after) {
    finiteK = tiles.load(slice.k(), slice.batch(), t, slice.kvHead(), n, k);
    tiles.load(slice.v(), slice.batch(), t, slice.kvHead(), n, v);
    slice.decays().toEnd(t, n, factors);
    double all = factors[0] + slice.decays().of(t);
    for (int j = 0; j < n; j++) {
      factors[j] = Math.exp(after + factors[j]);
    }
    tiles.scaleRows(k, n, factors, decayedK);
    tiles.scaleRows(v, n, factors, decayedV);
    return all;
  }

  /** Writes dQ of n tokens and adds what they give dS_0; returns their log decay. */
  private double queries(
      HeadSlice slice, GradientSlice gradient, int first, int t, int n, double before) {
    tiles.clear(queries);
    loadQueries(slice, gradient, t, n, before);
    addQueriesOfState.run();
    addUpdate.run();
    double all = loadQueries(slice, gradient, t, n, 0);
    loadKeys(slice, t, n, 0);
    diagonalGradient.run();
    slice.decays().each(t, n, logDecay);
    tiles.causalDecay(scoresGradient, n, logDecay, slice.decays().uniform());
    if (finiteK) {
      addQueries.run();
    } else {
      tiles.addCausalProduct(scoresGradient, k, n, queries);
    }
    double between = 0;
    for (int from = t - block; from >= first; from -= block) {
      between += loadKeys(slice, from, block, between);
      earlierGradient.run();
      addQueries.run();
    }
    tiles.store(queries, n, 1, gradient.q(), slice.batch(), t, slice.head());
    if (gradient.wantsLogDecay()) {
      tiles.addRowDots(q, queries, n, 1, gradient.logDecay(), t);
    }
    return all;
  }

  /** Adds dK and dV of n tokens; returns Σ_j k_j·(e^(G_T−G_j) v_j dS_Tᵀ). */
  private double keys(
      HeadSlice slice, GradientSlice gradient, int t, int n, int end, double after) {
    loadKeys(slice, t, n, after);
    keysOfState.run();
    valuesOfState.run();
    double ofState = gradient.wantsLogDecay() ? sumOfDots(k, keys, n) : 0;
    loadQueries(slice, gradient, t, n, 0);
    diagonalGradient.run();
    diagonalScores.run();
    slice.decays().each(t, n, logDecay);
    tiles.causalDecay(scoresGradient, n, logDecay, slice.decays().uniform());
    tiles.causalDecay(scores, n, logDecay, slice.decays().uniform());
    addInsideBlock(n);
    loadKeys(slice, t, n, 0);
    double between = 0;
    for (int from = t + n; from < end; from += block) {
      between += loadQueries(slice, gradient, from, Math.min(block, end - from), between);
      earlierGradient.run();
      earlierScores.run();
      addKeys.run();
      addValues.run();
    }
    tiles.addTo(keys, n, 1, gradient.k(), slice.batch(), t, slice.kvHead());
    tiles.addTo(values, n, 1, gradient.v(), slice.batch(), t, slice.kvHead());
    if (gradient.wantsLogDecay()) {
      tiles.addRowDots(k, keys, n, -1, gradient.logDecay(), t);
    }
    return ofState;
  }

  private void addInsideBlock(int n) {
    if (finiteQ) {
      addKeys.run();
    } else {
      tiles.addCausalTranspose(scoresGradient, q, n, keys);
    }
    if (finiteOut) {
      addValues.run();
    } else {
      tiles.addCausalTranspose(scores, out, n, values);
    }
  }
}
