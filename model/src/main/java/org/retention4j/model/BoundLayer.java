package org.retention4j.model;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.Arena;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Tile;

/** A decoder layer bound to its arrays and memory. Used by one thread at a time. */
public final class BoundLayer implements AutoCloseable {
  private static final int BLOCK = 16;

  private final Engine engine;
  private final DecoderLayer layer;
  private final MixerMemory memory;
  private final int batch;
  private final int tokens;
  private final int piece;
  private final int[] counts;
  private final Arena arena = new Arena();
  private final Rows x;
  private final Rows y;
  private final Rows residual;
  private final Rows normed;
  private final Rows mixed;
  private final MixerPass mixer;
  private final FeedForward.Pass feedForward;
  private final LaneTask copyAndNorm = this::copyAndNorm;
  private final LaneTask addAndNorm = this::addAndNorm;
  private final LaneTask addAndStore = this::addAndStore;
  private int from;
  private boolean closed;

  BoundLayer(Engine engine, DecoderLayer layer, INDArray x, MixerMemory memory, INDArray y) {
    this.engine = engine;
    this.layer = layer;
    this.memory = memory;
    batch = (int) x.size(0);
    tokens = (int) x.size(1);
    this.x = Rows.of(x);
    this.y = Rows.of(y);
    piece = Math.max(1, layer.mixer().pieceLength(tokens));
    counts = new int[batch];
    int width = layer.mixer().modelWidth();
    Tile residualTile = engine.tile(arena, batch * piece, width);
    Tile normedTile = engine.tile(arena, batch * piece, width);
    Tile mixedTile = engine.tile(arena, batch * piece, width);
    residual = Rows.of(residualTile, piece, width);
    normed = Rows.of(normedTile, piece, width);
    mixed = Rows.of(mixedTile, piece, width);
    mixer = layer.mixer().bind(batch, piece, normedTile, mixedTile);
    feedForward = layer.feedForward().bind(normedTile, mixedTile);
  }

  /**
   * Advances the memory over the tokens now in x and writes y.
   *
   * @throws IllegalArgumentException if the memory is closed, too small or of another mixer
   * @throws IllegalStateException after close
   */
  public void step() {
    if (closed) {
      throw new IllegalStateException("this binding is closed");
    }
    for (from = 0; from < tokens; from += piece) {
      java.util.Arrays.fill(counts, Math.min(piece, tokens - from));
      int blocks = batch * blocks();
      engine.run(blocks, copyAndNorm);
      mixer.run(memory, counts);
      engine.run(blocks, addAndNorm);
      feedForward.run();
      engine.run(blocks, addAndStore);
    }
  }

  private int blocks() {
    return (piece + BLOCK - 1) / BLOCK;
  }

  private int firstToken(int index) {
    return index % blocks() * BLOCK;
  }

  private int endToken(int index) {
    return Math.min(counts[index / blocks()], firstToken(index) + BLOCK);
  }

  private void copyAndNorm(Lane lane, int index) {
    int b = index / blocks();
    for (int t = firstToken(index); t < endToken(index); t++) {
      lane.copy(x, b, from + t, 0, residual, b, t, 0);
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

  private void addAndStore(Lane lane, int index) {
    int b = index / blocks();
    for (int t = firstToken(index); t < endToken(index); t++) {
      lane.add(residual, mixed, b, t, 0);
      lane.copy(residual, b, t, 0, y, b, from + t, 0);
    }
  }

  /** Returns the implementation of the products, as oneDNN names it. */
  public String implementation() {
    return mixer.implementation();
  }

  @Override
  public void close() {
    closed = true;
    mixer.close();
    feedForward.close();
    arena.close();
  }
}
