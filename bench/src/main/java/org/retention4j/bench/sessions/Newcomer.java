package org.retention4j.bench.sessions;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.retention4j.batch.BatchListener;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.BatchTicket;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/** One that waits for the first token of its text, or the first that anybody waits for. */
final class Newcomer implements BatchListener {
  private final CountDownLatch first = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);

  /** Comes with the first tokens of a text, and wants so many more. */
  BatchTicket come(ContinuousBatch batch, int[] text, int prompt, int tokens) {
    return batch.submit(
        BatchRequest.of(
            Arrays.copyOf(text, prompt), GenerationOptions.DEFAULT.withMaxTokens(tokens)),
        this);
  }

  void awaitFirst() {
    await(first);
  }

  void awaitEnd() {
    await(end);
  }

  private static void await(CountDownLatch what) {
    try {
      what.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while a batch was waited for", e);
    }
  }

  @Override
  public void token(int token, double logProbability, String text, float[] logits) {
    first.countDown();
  }

  @Override
  public void ended(Generation generation, String rest, Optional<Snapshot> state) {
    first.countDown();
    end.countDown();
  }

  @Override
  public void failed(Throwable failure) {
    first.countDown();
    end.countDown();
  }
}
