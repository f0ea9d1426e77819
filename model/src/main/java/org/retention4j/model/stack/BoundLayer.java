package org.retention4j.model.stack;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.TokenTask;

/**
 * A decoder layer, or the mixer of one by itself, bound to arrays and a state. Used by one thread
 * at a time.
 *
 * @since 0.1
 */
public final class BoundLayer implements AutoCloseable {
  private final Engine engine;
  private final DecoderLayer layer;
  private final MixerState state;
  private final int tokens;
  private final int microBatch;
  private final int[] counts;
  private final Buffers arena;
  private final Scratch scratch;
  private final RowView x;
  private final RowView y;
  private final RowView in;
  private final RowView out;
  private final MixerPlan plan;
  private final TokenTask copyIn;
  private final TokenTask copyOut;
  private final Runnable advance = this::advance;
  private int from;
  private boolean closed;

  /**
   * Binds.
   *
   * @param whole whether all of the layer is bound, or only its mixer
   */
  BoundLayer(
      Engine engine,
      DecoderLayer layer,
      boolean whole,
      SequenceForm form,
      INDArray x,
      MixerState state,
      INDArray y) {
    this.engine = engine;
    arena = engine.newBuffers();
    this.layer = layer;
    this.state = state;
    copyIn = new TokenTask(engine, this::copyIn);
    copyOut = new TokenTask(engine, this::copyOut);
    int batch = (int) x.size(0);
    tokens = (int) x.size(1);
    this.x = NdArrays.view(x);
    this.y = NdArrays.view(y);
    microBatch = layer.mixer().config().microBatches(form).tokens(tokens);
    counts = new int[batch];
    int width = layer.modelWidth();
    scratch = engine.newScratch();
    Tile input = arena.tile(batch * microBatch, width);
    in = input.asRows(microBatch, width);
    if (whole) {
      out = in;
      plan =
          new LayerPlan(engine, layer, form, batch, microBatch, input, scratch, false, null)
              .alone();
    } else {
      Tile output = arena.tile(batch * microBatch, width);
      out = output.asRows(microBatch, width);
      plan =
          layer
              .mixer()
              .bind(form, new MicroBatch(batch, microBatch, input, output, scratch, false));
    }
  }

  /**
   * Advances the state over the tokens now in x and writes y.
   *
   * @throws IllegalArgumentException if the state is closed, too small or of another mixer
   * @throws IllegalStateException after close, of the layer too
   * @throws CancellationException if the thread is interrupted, between two micro-batches: the
   *     state's position and y have those before; the interrupt status is kept
   */
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    x.requireOpen();
    y.requireOpen();
    layer.requireOpen();
    Arrays.fill(counts, tokens);
    plan.check(state, counts);
    for (from = 0; from < tokens; from += microBatch) {
      if (from > 0 && Thread.currentThread().isInterrupted()) {
        throw new CancellationException("interrupted after " + from + " of " + tokens + " tokens");
      }
      engine.exclusively(advance);
    }
  }

  private void advance() {
    layer.requireOpen();
    Arrays.fill(counts, Math.min(microBatch, tokens - from));
    copyIn.run(counts);
    plan.run(state, counts);
    copyOut.run(counts);
  }

  private void copyIn(Lane lane, int b, int t) {
    lane.rows().copy(x, b, from + t, 0, in, b, t, 0);
  }

  private void copyOut(Lane lane, int b, int t) {
    lane.rows().copy(out, b, t, 0, y, b, from + t, 0);
  }

  /** Returns the implementation of the products, as oneDNN names it. */
  public String implementation() {
    return plan.implementation();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    plan.close();
    scratch.close();
    arena.close();
  }
}
