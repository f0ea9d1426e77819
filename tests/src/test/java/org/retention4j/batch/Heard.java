package org.retention4j.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.retention4j.generate.Generation;
import org.retention4j.model.Snapshot;

/** What a listener was told. */
class Heard implements BatchListener {
  private static final int PATIENCE_SECONDS = 60;

  final List<Integer> tokens = new ArrayList<>();
  final CompletableFuture<Generation> end = new CompletableFuture<>();
  final CountDownLatch first = new CountDownLatch(1);
  volatile int cached = -1;
  private final StringBuilder text = new StringBuilder();
  private Optional<Snapshot> state = Optional.empty();

  @Override
  public void reading(int tokens) {
    cached = tokens;
  }

  @Override
  public void token(int token, double logProbability, String piece, float[] logits) {
    tokens.add(token);
    text.append(piece);
    first.countDown();
  }

  @Override
  public void ended(Generation generation, String rest, Optional<Snapshot> kept) {
    text.append(rest);
    state = kept;
    end.complete(generation);
  }

  @Override
  public void failed(Throwable failure) {
    end.completeExceptionally(failure);
  }

  void awaitFirst() throws InterruptedException {
    if (!first.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("no token came");
    }
  }

  Generation generation() throws Exception {
    return end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  String text() throws Exception {
    generation();
    return text.toString();
  }

  Snapshot state() throws Exception {
    generation();
    return state.orElseThrow();
  }
}
