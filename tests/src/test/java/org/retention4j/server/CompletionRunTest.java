package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.retention4j.batch.BatchListener;
import org.retention4j.batch.BatchOptions;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/** What was cancelled is waited for no longer than is said; what comes later is freed. */
class CompletionRunTest extends ServerFixture {
  private static final GenerationOptions MANY = GenerationOptions.DEFAULT.withMaxTokens(1000);

  /** Keeps the batch's thread until it is let go. */
  private static final class Blocking implements BatchListener {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch free = new CountDownLatch(1);

    @Override
    public void token(int token, double logProbability, String text, float[] logits) {
      begun.countDown();
      try {
        free.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void ended(Generation generation, String rest, Optional<Snapshot> state) {}

    @Override
    public void failed(Throwable failure) {}
  }

  @Test
  @Timeout(60)
  void anEndThatDoesNotComeIsNotWaitedFor() throws Exception {
    Blocking blocking = new Blocking();
    BatchRequest text = BatchRequest.of(new int[] {1, 2}, MANY);
    CompletionRequest request = new CompletionRequest(text.prompt(), MANY, 1, -1, false, false);
    try (ContinuousBatch batch = new ContinuousBatch(model, TOKENIZER, BatchOptions.DEFAULT)) {
      batch.submit(text, blocking);
      blocking.begun.await();
      try (CompletionRun run =
          new CompletionRun(batch, text.kept(), request, Duration.ofMillis(100))) {
        run.cancel();
        assertThatExceptionOfType(HttpFailure.class)
            .isThrownBy(
                () -> {
                  while (!run.done()) {
                    run.next(20);
                  }
                })
            .satisfies(failure -> assertThat(failure.status()).isEqualTo(503))
            .withMessageStartingWith("expected an end within PT0.1S of being cancelled, got none");
      } finally {
        blocking.free.countDown();
      }
    } // the state that came too late is freed: see ServerFixture
  }
}
