package org.retention4j.batch;

/**
 * Room in a batch for sequences that are to come together or not at all, as several answers to one
 * prompt do: none of them is refused for others that came between. What is left is given back by
 * close, which may be called twice. May be used by any number of threads.
 *
 * @since 0.1
 */
public final class BatchPlaces implements AutoCloseable {
  private final ContinuousBatch batch;
  private int left;

  BatchPlaces(ContinuousBatch batch, int count) {
    this.batch = batch;
    left = count;
  }

  /**
   * Takes a sequence in, as {@link ContinuousBatch#submit} does, and behind {@link
   * ContinuousBatch#stop} too.
   *
   * @throws IllegalStateException if all places are taken, or after close, or the batch is closed
   *     or ended by a fault
   */
  public synchronized BatchTicket submit(BatchRequest request, BatchListener listener) {
    if (left == 0) {
      throw new IllegalStateException("expected a place that is left, got none");
    }
    BatchTicket ticket = batch.submitReserved(request, listener);
    left--;
    return ticket;
  }

  @Override
  public synchronized void close() {
    batch.giveBack(left);
    left = 0;
  }
}
