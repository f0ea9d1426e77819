package org.retention4j.batch;

/**
 * A sequence that was taken in.
 *
 * @since 0.1
 */
public final class BatchTicket {
  private final Sequence sequence;
  private final Runnable wake;

  BatchTicket(Sequence sequence, Runnable wake) {
    this.sequence = sequence;
    this.wake = wake;
  }

  /**
   * Ends it before its next token or piece of prompt, as {@link
   * org.retention4j.generate.Generation.End#CANCELLED}, unless it has ended; from any thread.
   */
  public void cancel() {
    sequence.cancel();
    wake.run();
  }
}
