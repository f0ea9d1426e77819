package org.retention4j.batch;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/**
 * A sequence whose first token holds the batch's thread, so that what is submitted comes at once.
 */
final class Blocker implements BatchListener, AutoCloseable {
  private final CountDownLatch held = new CountDownLatch(1);
  private final CountDownLatch free = new CountDownLatch(1);

  /** Returns when the batch is held; close lets it go. */
  static Blocker of(ContinuousBatch batch) throws InterruptedException {
    Blocker blocker = new Blocker();
    batch.submit(
        BatchRequest.of(new int[] {1}, GenerationOptions.DEFAULT.withMaxTokens(1)), blocker);
    blocker.held.await();
    return blocker;
  }

  @Override
  public void token(int token, double logProbability, String text, float[] logits) {
    held.countDown();
    try {
      free.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void ended(Generation generation, String rest, Optional<Snapshot> state) {}

  @Override
  public void failed(Throwable failure) {}

  @Override
  public void close() {
    free.countDown();
  }
}
