package org.retention4j.model;

/** What a mixer remembers of a batch of sequences: a retention state or a key/value cache. */
public interface MixerMemory extends AutoCloseable {
  /** Returns the position of the next token of a row. */
  long position(int row);

  /** Returns the bytes held. */
  long bytes();

  /** Returns the bytes that the positions seen so far need, by formula. */
  long formulaBytes();

  /**
   * Fills the memory with seeded random numbers, as if every row had seen {@code position} tokens:
   * for measuring at a depth.
   *
   * @throws IllegalArgumentException if position exceeds the capacity
   */
  void fillRandom(long seed, int position);

  @Override
  void close();
}
