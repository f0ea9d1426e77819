package org.retention4j.model;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Arena;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Scratch;
import org.retention4j.engine.Tile;
import org.retention4j.engine.TokenTask;

/** A decoder layer bound to its arrays and memory. Used by one thread at a time. */
public final class BoundLayer implements AutoCloseable {
  private final Engine engine;
  private final DecoderLayer layer;
  private final MixerMemory memory;
  private final int tokens;
  private final int piece;
  private final int[] counts;
  private final Arena arena = new Arena();
  private final Scratch scratch;
  private final Rows x;
  private final Rows y;
  private final Rows residual;
  private final LayerPass pass;
  private final TokenTask copyIn;
  private final TokenTask copyOut;
  private final Runnable advance = this::advance;
  private int from;
  private boolean closed;

  BoundLayer(
      Engine engine,
      DecoderLayer layer,
      RetentionForm form,
      INDArray x,
      MixerMemory memory,
      INDArray y) {
    this.engine = engine;
    this.layer = layer;
    copyIn = new TokenTask(engine, this::copyIn);
    copyOut = new TokenTask(engine, this::copyOut);
    this.memory = memory;
    int batch = (int) x.size(0);
    tokens = (int) x.size(1);
    this.x = Rows.of(x);
    this.y = Rows.of(y);
    piece = Math.max(1, layer.mixer().pieceLength(form, tokens));
    counts = new int[batch];
    int width = layer.mixer().modelWidth();
    scratch = new Scratch(engine);
    Tile residuals = engine.tile(arena, batch * piece, width);
    residual = Rows.of(residuals, piece, width);
    pass = new LayerPass(engine, layer, form, batch, piece, residuals, scratch, false, null);
  }

  /**
   * Advances the memory over the tokens now in x and writes y.
   *
   * @throws IllegalArgumentException if the memory is closed, too small or of another mixer
   * @throws IllegalStateException after close, of the layer too
   * @throws CancellationException if the thread is interrupted, between two pieces of tokens: the
   *     memory's position and y have those before; the interrupt status is kept
   */
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    x.requireOpen();
    y.requireOpen();
    layer.requireOpen();
    Arrays.fill(counts, tokens);
    pass.check(memory, counts);
    for (from = 0; from < tokens; from += piece) {
      if (from > 0 && Thread.currentThread().isInterrupted()) {
        throw new CancellationException("interrupted after " + from + " of " + tokens + " tokens");
      }
      engine.exclusively(advance);
    }
  }

  private void advance() {
    layer.requireOpen();
    Arrays.fill(counts, Math.min(piece, tokens - from));
    copyIn.run(counts);
    pass.run(memory, counts);
    pass.end(counts);
    copyOut.run(counts);
  }

  private void copyIn(Lane lane, int b, int t) {
    lane.copy(x, b, from + t, 0, residual, b, t, 0);
  }

  private void copyOut(Lane lane, int b, int t) {
    lane.copy(residual, b, t, 0, y, b, from + t, 0);
  }

  /** Returns the implementation of the products, as oneDNN names it. */
  public String implementation() {
    return pass.implementation();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    pass.close();
    scratch.close();
    arena.close();
  }
}
