package org.retention4j.nn;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;

/**
 * Puts arrays (B,T,D) around a plan that works on tiles: tokens are copied in, advanced and copied
 * out one micro-batch after another. Used by one thread at a time.
 *
 * @since 0.1
 */
public final class ArrayBinding implements AutoCloseable {
  private final Engine engine;
  private final Plan plan;
  private final int[] lengths;
  private final int[] counts;
  private final int tokens;
  private final int microBatch;
  private final RowView x;
  private final RowView y;
  private final Buffers buffers;
  private final RowView xTile;
  private final RowView yTile;
  private final Scratch scratch;
  private final TokenTask copyIn;
  private final TokenTask copyOut;

  /** Tokens of this micro-batch of each row, padded ones too. */
  private final int[] padded;

  private int from;
  private final Runnable advance = this::advance;
  private boolean closed;

  /** What happens to the tiles; {@code run} is called with the engine to itself. */
  public interface Plan extends AutoCloseable {
    /**
     * Refuses to begin, before anything is changed.
     *
     * @throws RuntimeException saying why
     */
    void check(int[] lengths);

    /**
     * Advances over a micro-batch.
     *
     * @param counts (B) tokens of each row in it
     * @param from the index in T of its token 0
     */
    void run(int[] counts, long from);

    /** Returns the implementation of the products. */
    String implementation();

    @Override
    void close();
  }

  /** Makes a plan for a micro-batch. */
  @FunctionalInterface
  public interface PlanMaker {
    /** Returns the plan. */
    Plan make(MicroBatch batch);
  }

  /**
   * Binds.
   *
   * @param x (B,T,D)
   * @param y (B,T,D), receives the outputs; x itself or apart from it
   * @param lengths (B) tokens of each row, 0…T
   * @param tokens T
   * @param microBatch tokens of a micro-batch, at least 1
   * @param inPlace whether the plan's outputs are where its inputs were
   * @param maker makes the plan; if that fails, nothing stays held
   */
  public ArrayBinding(
      Engine engine,
      RowView x,
      RowView y,
      int[] lengths,
      int tokens,
      int microBatch,
      boolean inPlace,
      PlanMaker maker) {
    this.engine = engine;
    this.x = x;
    this.y = y;
    this.lengths = lengths.clone();
    this.tokens = tokens;
    this.microBatch = microBatch;
    int batch = lengths.length;
    counts = new int[batch];
    padded = new int[batch];
    copyIn = new TokenTask(engine, this::copyIn);
    copyOut = new TokenTask(engine, this::copyOut);
    int width = x.width();
    buffers = engine.newBuffers();
    scratch = engine.newScratch();
    try {
      Tile in = buffers.tile(batch * microBatch, width);
      Tile out = inPlace ? in : buffers.tile(batch * microBatch, width);
      xTile = in.asRows(microBatch, width);
      yTile = out.asRows(microBatch, width);
      plan = maker.make(new MicroBatch(batch, microBatch, in, out, scratch, false));
    } catch (Throwable e) {
      scratch.close();
      buffers.close();
      throw e;
    }
  }

  /**
   * Advances over all tokens now in x and writes y; padded tokens give 0.
   *
   * @throws IllegalArgumentException if an array is closed, or what {@link Plan#check} throws;
   *     nothing is changed then
   * @throws IllegalStateException after close
   * @throws CancellationException if the thread is interrupted, between two micro-batches: y has
   *     those before; the interrupt status is kept
   */
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    x.requireOpen();
    y.requireOpen();
    plan.check(lengths);
    for (from = 0; from < tokens; from += microBatch) {
      if (from > 0 && Thread.currentThread().isInterrupted()) {
        throw new CancellationException("interrupted after " + from + " of " + tokens + " tokens");
      }
      engine.exclusively(advance);
    }
  }

  private void advance() {
    for (int b = 0; b < counts.length; b++) {
      counts[b] = Math.max(0, Math.min(microBatch, lengths[b] - from));
    }
    Arrays.fill(padded, Math.min(microBatch, tokens - from));
    copyIn.run(counts);
    plan.run(counts, from);
    copyOut.run(padded);
  }

  private void copyIn(Lane lane, int b, int t) {
    lane.rows().copy(x, b, from + t, 0, xTile, b, t, 0);
  }

  private void copyOut(Lane lane, int b, int t) {
    if (t < counts[b]) {
      lane.rows().copy(yTile, b, t, 0, y, b, from + t, 0);
    } else {
      lane.rows().clear(y, b, from + t, 0, 1);
    }
  }

  /** Returns the implementation of the products. */
  public String implementation() {
    return plan.implementation();
  }

  /** Frees the plan and its tiles; the arrays stay. Closing twice does no harm. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    plan.close();
    scratch.close();
    buffers.close();
  }
}
