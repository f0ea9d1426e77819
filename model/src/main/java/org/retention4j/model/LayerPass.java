package org.retention4j.model;

import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Scratch;
import org.retention4j.engine.Tile;
import org.retention4j.engine.TilePiece;

/** A decoder layer bound to a tile of residuals, which it adds to in place. */
final class LayerPass implements AutoCloseable {
  private static final int BLOCK = 16;

  private final Engine engine;
  private final DecoderLayer layer;
  private final int batch;
  private final int tokens;
  private final Rows residual;
  private final Rows normed;
  private final Rows mixed;
  private final MixerPass mixer;
  private final FeedForward.Pass feedForward;
  private final LaneTask norm = this::norm;
  private final LaneTask addAndNorm = this::addAndNorm;
  private final LaneTask add = this::add;
  private int[] counts;

  /**
   * Binds.
   *
   * @param form of retention; null for the mixer's own
   * @param residuals (B·N, D)
   * @param scratch rewound here: layers that share it must not run side by side
   */
  LayerPass(
      Engine engine,
      DecoderLayer layer,
      RetentionForm form,
      int batch,
      int tokens,
      Tile residuals,
      Scratch scratch,
      boolean bfloat16Products) {
    this.engine = engine;
    this.layer = layer;
    this.batch = batch;
    this.tokens = tokens;
    scratch.rewind();
    int width = residuals.columns();
    Tile normedTile = scratch.tile(batch * tokens, width);
    Tile mixedTile = scratch.tile(batch * tokens, width);
    residual = Rows.of(residuals, tokens, width);
    normed = Rows.of(normedTile, tokens, width);
    mixed = Rows.of(mixedTile, tokens, width);
    TilePiece piece =
        new TilePiece(batch, tokens, normedTile, mixedTile, scratch, bfloat16Products);
    mixer = layer.mixer().bind(form, piece);
    feedForward = layer.feedForward().bind(piece);
  }

  /** Refuses a memory that does not fit or has no room for so many tokens of each row. */
  void check(MixerMemory memory, int[] tokenCounts) {
    mixer.check(memory, tokenCounts);
  }

  /**
   * Advances a memory over the residuals and changes them.
   *
   * @param tokenCounts (B) tokens of each row, 0…N
   */
  void run(MixerMemory memory, int[] tokenCounts) {
    counts = tokenCounts;
    engine.run(batch * blocks(), norm);
    mixer.run(memory, counts);
    engine.run(batch * blocks(), addAndNorm);
    feedForward.run();
    engine.run(batch * blocks(), add);
  }

  private int blocks() {
    return (tokens + BLOCK - 1) / BLOCK;
  }

  private int firstToken(int index) {
    return index % blocks() * BLOCK;
  }

  private int endToken(int index) {
    return Math.min(counts[index / blocks()], firstToken(index) + BLOCK);
  }

  private void norm(Lane lane, int index) {
    int b = index / blocks();
    for (int t = firstToken(index); t < endToken(index); t++) {
      lane.rmsNorm(residual, 1, layer.mixerNorm(), layer.eps(), null, normed, b, t, 0);
    }
  }

  private void addAndNorm(Lane lane, int index) {
    int b = index / blocks();
    for (int t = firstToken(index); t < endToken(index); t++) {
      lane.add(residual, mixed, b, t, 0);
      lane.rmsNorm(residual, 1, layer.feedForwardNorm(), layer.eps(), null, normed, b, t, 0);
    }
  }

  private void add(Lane lane, int index) {
    int b = index / blocks();
    for (int t = firstToken(index); t < endToken(index); t++) {
      lane.add(residual, mixed, b, t, 0);
    }
  }

  String implementation() {
    return mixer.implementation();
  }

  @Override
  public void close() {
    mixer.close();
    feedForward.close();
  }
}
