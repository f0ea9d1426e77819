package org.retention4j.core;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.Arena;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Scratch;
import org.retention4j.engine.Tile;
import org.retention4j.engine.TilePiece;
import org.retention4j.engine.TokenTask;

/**
 * A block bound to its state and arrays: each {@link #step()} advances the state over the tokens
 * that stand in x and writes y, and allocates nothing. Used by one thread at a time.
 */
public final class BoundRetention implements AutoCloseable {
  private final Engine engine;
  private final RetentionWeights weights;
  private final RetentionState state;
  private final LogDecay decay;
  private final Rows tokenDecay;
  private final int heads;
  private final int[] lengths;
  private final int[] counts;
  private final int batch;
  private final int tokens;
  private final int piece;
  private final Rows x;
  private final Rows y;
  private final Arena arena = new Arena();
  private final Rows xTile;
  private final Rows yTile;
  private final Scratch scratch;
  private final RetentionPass pass;
  private final TokenTask copyIn;
  private final TokenTask copyOut;
  private final Runnable advance = this::advancePiece;

  /** Tokens of this piece of each row, padded ones too. */
  private final int[] padded;

  private int from;
  private boolean closed;

  BoundRetention(
      Engine engine,
      RetentionWeights weights,
      RetentionForm form,
      INDArray x,
      LogDecay decay,
      RetentionState state,
      int[] lengths,
      INDArray y) {
    this.engine = engine;
    this.weights = weights;
    this.state = state;
    this.decay = decay;
    this.lengths = lengths == null ? null : lengths.clone();
    tokenDecay = decay instanceof LogDecay.PerToken g ? Rows.of(g.values()) : null;
    heads = weights.config().heads();
    batch = (int) x.size(0);
    tokens = (int) x.size(1);
    counts = new int[batch];
    padded = new int[batch];
    copyIn = new TokenTask(engine, this::copyIn);
    copyOut = new TokenTask(engine, this::copyOut);
    this.x = Rows.of(x);
    this.y = Rows.of(y);
    piece = form.microBatches().tokens(tokens);
    int width = weights.config().modelWidth();
    scratch = new Scratch(engine);
    try {
      Tile in = engine.tile(arena, batch * piece, width);
      Tile out = engine.tile(arena, batch * piece, width);
      xTile = Rows.of(in, piece, width);
      yTile = Rows.of(out, piece, width);
      TilePiece tiles = new TilePiece(batch, piece, in, out, scratch, false);
      pass = new RetentionPass(engine, weights, form, tiles);
    } catch (Throwable e) {
      scratch.close();
      arena.close();
      throw e;
    }
  }

  /**
   * Advances the state over the tokens now in x and writes the outputs to y; padded tokens give 0.
   * Many tokens are computed in pieces, between which other threads have their turn.
   *
   * @throws IllegalArgumentException if the state is closed or a log decay is not finite or &gt; 0
   * @throws IllegalStateException after close, or if an earlier call left the state half advanced
   * @throws CancellationException if the thread is interrupted, between two pieces: the state's
   *     positions and y have those before; the interrupt status is kept
   */
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    x.requireOpen();
    y.requireOpen();
    CoreChecks.checkUsable(state);
    CoreChecks.checkValues(decay, tokenDecay, batch, tokens, heads, lengths);
    for (from = 0; from < tokens; from += piece) {
      if (from > 0 && Thread.currentThread().isInterrupted()) {
        throw new CancellationException("interrupted after " + from + " of " + tokens + " tokens");
      }
      engine.exclusively(advance);
    }
  }

  private void advancePiece() {
    weights.requireOpen();
    for (int b = 0; b < batch; b++) {
      int length = lengths == null ? tokens : lengths[b];
      counts[b] = Math.max(0, Math.min(piece, length - from));
    }
    Arrays.fill(padded, Math.min(piece, tokens - from));
    copyIn.run(counts);
    pass.run(state, counts, tokenDecay, from);
    copyOut.run(padded);
  }

  private void copyIn(Lane lane, int b, int t) {
    lane.copy(x, b, from + t, 0, xTile, b, t, 0);
  }

  private void copyOut(Lane lane, int b, int t) {
    if (t < counts[b]) {
      lane.copy(yTile, b, t, 0, y, b, from + t, 0);
    } else {
      lane.storeZeros(y, b, from + t, 0, 1);
    }
  }

  /** Returns the implementation of the products, as oneDNN names it. */
  public String implementation() {
    return pass.implementation();
  }

  @Override
  public void close() {
    closed = true;
    pass.close();
    scratch.close();
    arena.close();
  }
}
