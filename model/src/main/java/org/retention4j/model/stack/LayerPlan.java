package org.retention4j.model.stack;

import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.TokenTask;

/** A decoder layer bound to a tile of residuals, which it adds to in place. */
final class LayerPlan implements AutoCloseable {
  private final DecoderLayer layer;
  private final RowView residual;
  private final RowView normed;
  private final RowView mixed;

  /** What the layer before left to be added, null for none. */
  private final RowView before;

  private final MixerPlan mixer;
  private final FeedForward.Plan feedForward;
  private final TokenTask begin;
  private final TokenTask addAndNorm;
  private final TokenTask end;

  /**
   * Binds.
   *
   * @param previous the layer before, bound to the same residuals, whose result this one adds: one
   *     task less; null for none
   * @param form in which the mixer takes tokens
   * @param residuals (B·N, D)
   * @param scratch rewound here: layers that share it must not run side by side
   */
  LayerPlan(
      Engine engine,
      DecoderLayer layer,
      SequenceForm form,
      int batch,
      int tokens,
      Tile residuals,
      Scratch scratch,
      boolean bfloat16Products,
      LayerPlan previous) {
    this.layer = layer;
    addAndNorm = new TokenTask(engine, this::addAndNorm);
    before = previous == null ? null : previous.mixed;
    begin = new TokenTask(engine, before == null ? this::norm : this::addAndNormFirst);
    end = new TokenTask(engine, this::add);
    scratch.rewind();
    int width = residuals.columns();
    Tile normedTile = scratch.tile(batch * tokens, width);
    Tile mixedTile = scratch.tile(batch * tokens, width);
    residual = residuals.asRows(tokens, width);
    normed = normedTile.asRows(tokens, width);
    mixed = mixedTile.asRows(tokens, width);
    MicroBatch piece =
        new MicroBatch(batch, tokens, normedTile, mixedTile, scratch, bfloat16Products);
    mixer = layer.mixer().bind(form, piece);
    try {
      feedForward = layer.feedForward().bind(piece);
    } catch (Throwable e) {
      mixer.close();
      throw e;
    }
  }

  /** Refuses a state that does not fit or has no room for so many tokens of each row. */
  void check(MixerState state, int[] tokenCounts) {
    mixer.check(state, tokenCounts);
  }

  /**
   * Advances a state over the residuals; the feed-forward's result waits to be added, by the layer
   * behind or by {@link #end}.
   *
   * @param tokenCounts (B) tokens of each row, 0…N
   * @param resets of the rows whose token {@code first} is token 0 here
   */
  void run(MixerState state, int[] tokenCounts, Resets resets, int first) {
    begin.run(tokenCounts);
    mixer.run(state, tokenCounts, resets, first);
    addAndNorm.run(tokenCounts);
    feedForward.run(tokenCounts);
  }

  /** Adds the result of the last run to the residuals. */
  void end(int[] tokenCounts) {
    end.run(tokenCounts);
  }

  /** Returns this layer as one that no other follows, which closes it. */
  MixerPlan alone() {
    return new MixerPlan() {
      @Override
      public void check(MixerState state, int[] tokenCounts) {
        LayerPlan.this.check(state, tokenCounts);
      }

      @Override
      public void run(MixerState state, int[] tokenCounts, Resets resets, int first) {
        LayerPlan.this.run(state, tokenCounts, resets, first);
        end(tokenCounts);
      }

      @Override
      public String implementation() {
        return mixer.implementation();
      }

      @Override
      public void close() {
        LayerPlan.this.close();
      }
    };
  }

  private void norm(Lane lane, int b, int t) {
    layer.mixerNorm().run(lane, residual, normed, b, t, 0);
  }

  private void addAndNormFirst(Lane lane, int b, int t) {
    lane.rows().add(residual, before, b, t, 0);
    norm(lane, b, t);
  }

  private void addAndNorm(Lane lane, int b, int t) {
    lane.rows().add(residual, mixed, b, t, 0);
    layer.feedForwardNorm().run(lane, residual, normed, b, t, 0);
  }

  private void add(Lane lane, int b, int t) {
    lane.rows().add(residual, mixed, b, t, 0);
  }

  @Override
  public void close() {
    mixer.close();
    feedForward.close();
  }
}
