package org.retention4j.model;

import org.retention4j.engine.Tile;

/** The part of a decoder layer that lets tokens see earlier tokens. Immutable and shared. */
public interface TokenMixer extends AutoCloseable {
  /** Returns a short name for reports. */
  String name();

  /** Returns the width D of its inputs and outputs. */
  int modelWidth();

  /** Returns the number of weights. */
  long parameters();

  /** Returns the bytes of the packed weights. */
  long weightBytes();

  /**
   * Returns the memory of a batch of sequences that have seen nothing.
   *
   * @param batch B, at least 1
   * @param capacity the most tokens a sequence may have; a state of fixed size does not need it
   */
  MixerMemory newMemory(int batch, int capacity);

  /**
   * Returns how many tokens a piece may have when a sequence of T tokens is cut so that buffers
   * stay small; at least 1.
   */
  int pieceLength(int tokens);

  /**
   * Binds the mixer to tiles of B·N rows; row b·N+t is token t of sequence b.
   *
   * @param tokens N, the most tokens of a row in one run
   * @param x inputs (B·N, D)
   * @param y receives the outputs (B·N, D)
   */
  MixerPass bind(int batch, int tokens, Tile x, Tile y);

  @Override
  void close();
}
