package org.retention4j.train;

/**
 * Batches of one shape, one after the other, without end. What comes at a position depends on the
 * position and on nothing that was read before, so that a run can go on where it stopped.
 *
 * @since 0.1
 */
public interface BatchSource {
  /** Returns B, the rows of a batch. */
  int rows();

  /** Returns T, the tokens of a row. */
  int length();

  /** Returns the next batch, which is the caller's. */
  Batch next();

  /** Returns how many batches come before the next. */
  long position();

  /**
   * Goes to a position.
   *
   * @throws IllegalArgumentException if it is negative
   */
  void seek(long position);
}
