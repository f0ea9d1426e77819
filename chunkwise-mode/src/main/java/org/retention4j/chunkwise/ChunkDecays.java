package org.retention4j.chunkwise;

import org.retention4j.core.form.Decays;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.TileOps;

/**
 * What the tokens of one chunk are decayed by. Where the decay is constant, the next chunk of as
 * many tokens has the same: nothing is computed again.
 */
final class ChunkDecays {
  private final double[] logDecay;
  private final double[] fromStart;
  private final double[] toEnd;
  private final double[] whole = new double[1];
  private boolean uniform;
  private int tokens;

  ChunkDecays(int chunk) {
    logDecay = new double[chunk];
    fromStart = new double[chunk];
    toEnd = new double[chunk];
  }

  /** Computes the factors of n tokens; what a reset before the first of them drops is not in it. */
  void of(Decays decays, int t, int n) {
    if (uniform && decays.uniform() && tokens == n && logDecay[0] == decays.of(t)) {
      return;
    }
    uniform = decays.uniform();
    tokens = n;
    decays.each(t, n, logDecay);
    decays.fromStart(t, n, fromStart);
    whole[0] = fromStart[n - 1];
    decays.toEnd(t, n, toEnd);
    for (int i = 0; i < n; i++) {
      fromStart[i] = Math.exp(fromStart[i]);
      toEnd[i] = Math.exp(toEnd[i]);
    }
  }

  /** Returns e^(G_i), the factor of what came into the chunk at each token. */
  double[] fromStart() {
    return fromStart;
  }

  /** Returns e^(G_C−G_j), the factor of each token at the chunk's end. */
  double[] toEnd() {
    return toEnd;
  }

  /** Returns G_C, the log decay of the whole chunk. */
  double[] whole() {
    return whole;
  }

  /** a[i,j] ← e^(G_i−G_j)·a[i,j] for j ≤ i, 0 elsewhere. */
  void apply(TileOps tiles, Tile a) {
    tiles.causalDecay(a, tokens, logDecay, uniform);
  }

  /** The same, 0 where j lies before the start of i's segment; starts are null for one segment. */
  void apply(TileOps tiles, Tile a, int[] starts) {
    if (starts == null) {
      apply(tiles, a);
    } else {
      tiles.causalDecay(a, tokens, logDecay, uniform, starts);
    }
  }
}
