package org.retention4j.batch;

/**
 * A sequence that was refused because as many as may wait are waiting; later there may be room.
 *
 * @since 0.1
 */
public final class BatchFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BatchFullException(int sequences, int waiting, int got) {
    super(
        "expected at most "
            + waiting
            + " sequences that wait for one of "
            + sequences
            + " places, got "
            + got);
  }
}
