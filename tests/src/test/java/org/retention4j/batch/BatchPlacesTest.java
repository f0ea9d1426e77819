package org.retention4j.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.retention4j.generate.Generation;
import org.retention4j.generate.Generation.End;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/** Who has room in a batch gets it, until the batch is closed. */
class BatchPlacesTest extends BatchFixture {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final GenerationOptions LONG = GenerationOptions.DEFAULT.withMaxTokens(1_000_000);
  private static final BatchRequest SHORT =
      BatchRequest.of(new int[] {1, 2, 3}, GenerationOptions.DEFAULT.withMaxTokens(5));

  /** Those that have room are taken whoever came between; the others find less. */
  @Test
  void keepsRoomForThoseWhoComeTogether() throws Exception {
    BatchOptions four = BatchOptions.DEFAULT.withSequences(1).withWaiting(3);
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, four)) {
      BatchRequest request = BatchRequest.of(text(1, 5), LONG);
      BatchPlaces places = batch.reserve(3);
      assertThat(batch.counts().waiting()).isEqualTo(3);
      Heard first = new Heard();
      batch.submit(request, first);
      assertThatExceptionOfType(BatchFullException.class)
          .isThrownBy(() -> batch.submit(request, new Heard()));
      assertThatExceptionOfType(BatchFullException.class).isThrownBy(() -> batch.reserve(1));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> places.submit(BatchRequest.of(new int[] {-1}, LONG), new Heard()));
      List<Heard> heard = List.of(new Heard(), new Heard());
      for (Heard each : heard) {
        places.submit(request, each);
      }
      first.awaitFirst(); // so that the other two wait, and one place is left
      places.close();
      places.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> places.submit(request, new Heard()))
          .withMessage("expected a place that is left, got none");
      assertThat(batch.counts().waiting()).isEqualTo(2);
      Heard last = new Heard();
      batch.submit(request, last);
      assertThatExceptionOfType(BatchFullException.class)
          .isThrownBy(() -> batch.submit(request, new Heard()));
      batch.close();
      assertThat(last.generation().end()).isEqualTo(End.CANCELLED);
    }
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, four)) {
      for (int impossible : new int[] {-1, 0, 5}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> batch.reserve(impossible))
            .withMessage("expected room for 1..4 sequences, got " + impossible);
      }
      BatchPlaces places = batch.reserve(4);
      batch.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> places.submit(BatchRequest.of(text(1, 5), LONG), new Heard()));
      places.close();
    }
  }

  @Test
  void whoHasRoomComesWhileTheBatchIsStopped() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, BatchOptions.DEFAULT)) {
      BatchPlaces places = batch.reserve(2);
      CompletableFuture<Boolean> stopped = stop(batch);
      for (int i = 0; i < 2; i++) {
        Heard heard = new Heard();
        places.submit(SHORT, heard); // the second when nothing is left to do
        assertThat(heard.generation().tokens()).hasSize(5);
      }
      assertThatIllegalStateException().isThrownBy(() -> batch.submit(SHORT, new Heard()));
      assertThatIllegalStateException().isThrownBy(() -> batch.reserve(1));
      assertThat(stopped.get(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void whatIsGivenBackIsNotWaitedFor() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, BatchOptions.DEFAULT)) {
      BatchPlaces places = batch.reserve(2);
      Heard heard = new Heard();
      places.submit(SHORT, heard);
      CompletableFuture<Boolean> stopped = stop(batch);
      heard.generation();
      assertThat(batch.stop(Duration.ofMillis(50))).as("without the second").isFalse();
      places.close();
      assertThat(stopped.get(60, TimeUnit.SECONDS)).isTrue();
    }
  }

  /** Stops a batch beside; returns when it is being stopped. */
  private static CompletableFuture<Boolean> stop(ContinuousBatch batch) {
    CompletableFuture<Boolean> stopped = CompletableFuture.supplyAsync(() -> batch.stop(PATIENCE));
    while (batch.open()) {
      Thread.onSpinWait();
    }
    return stopped;
  }

  /** Nobody would ever tell it of an end. */
  @Test
  void whoHasRoomIsRefusedBehindAFault() throws Exception {
    try (ContinuousBatch batch = new ContinuousBatch(model, tokenizer, BatchOptions.DEFAULT)) {
      BatchPlaces places = batch.reserve(2);
      batch.submit(SHORT, new Broken());
      while (batch.open()) {
        Thread.onSpinWait();
      }
      assertThatIllegalStateException()
          .isThrownBy(() -> places.submit(SHORT, new Heard()))
          .withMessage("this batch takes no sequences any more");
      places.close();
    }
  }

  /** Ends its batch. */
  private static final class Broken implements BatchListener {
    @Override
    public void token(int token, double logProbability, String text, float[] logits) {
      throw new AssertionError("of a listener");
    }

    @Override
    public void ended(Generation generation, String rest, Optional<Snapshot> state) {}

    @Override
    public void failed(Throwable failure) {}
  }
}
