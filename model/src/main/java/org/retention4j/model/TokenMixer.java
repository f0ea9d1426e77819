package org.retention4j.model;

import org.retention4j.core.RetentionForm;
import org.retention4j.engine.TilePiece;

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
   */
  MixerMemory newMemory(int batch, MemoryOptions options);

  /** Returns a memory with room for {@code capacity} tokens and no more. */
  default MixerMemory newMemory(int batch, int capacity) {
    return newMemory(batch, MemoryOptions.preallocated(capacity));
  }

  /**
   * Returns how many tokens a piece may have when a sequence of T tokens is cut so that buffers
   * stay small; at least 1.
   *
   * @param form of retention; null for the mixer's own
   */
  int pieceLength(RetentionForm form, int tokens);

  /**
   * Binds the mixer to a piece.
   *
   * @param form of retention; null for the mixer's own
   */
  MixerPass bind(RetentionForm form, TilePiece piece);

  @Override
  void close();
}
