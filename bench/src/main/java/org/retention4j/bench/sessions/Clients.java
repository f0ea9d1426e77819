package org.retention4j.bench.sessions;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.retention4j.batch.BatchListener;
import org.retention4j.batch.BatchRequest;
import org.retention4j.batch.ContinuousBatch;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/** Clients of a batch, each of which comes again as soon as its text has ended. */
final class Clients {
  private final int[] text;
  private final int turns;
  private final int[][] promptTokens;
  private final int[][] newTokens;

  /**
   * Makes them.
   *
   * @param text whose pieces are the prompts
   * @param count of clients
   * @param turns of each
   * @param unequal whether lengths are drawn, of the same sums; else all are alike
   */
  Clients(int[] text, int count, int turns, int prompt, int tokens, boolean unequal, long seed) {
    this.text = text.clone();
    this.turns = turns;
    promptTokens = lengths(count, turns, prompt, unequal, seed);
    newTokens = lengths(count, turns, tokens, unequal, seed + 1);
  }

  /** Returns lengths of which each two in a row make twice the mean. */
  private static int[][] lengths(int count, int turns, int mean, boolean unequal, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[][] lengths = new int[count][turns];
    int apart = 0;
    for (int i = 0; i < count * turns; i++) {
      boolean first = i % 2 == 0;
      apart = first && unequal ? random.nextInt(-mean / 2, mean / 2 + 1) : apart;
      boolean alone = first && i == count * turns - 1;
      lengths[i / turns][i % turns] = alone ? mean : mean + (first ? apart : -apart);
    }
    return lengths;
  }

  /** Returns the new tokens of all turns. */
  int tokens() {
    return Arrays.stream(newTokens).flatMapToInt(Arrays::stream).sum();
  }

  /** Lets all of them come, and waits for the last end. */
  void serve(ContinuousBatch batch) {
    CountDownLatch open = new CountDownLatch(newTokens.length);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int client = 0; client < newTokens.length; client++) {
      come(batch, client, 0, open, failure);
    }
    try {
      open.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while clients were served", e);
    }
    if (failure.get() != null) {
      throw new IllegalStateException("a client's text failed", failure.get());
    }
  }

  private void come(
      ContinuousBatch batch,
      int client,
      int turn,
      CountDownLatch open,
      AtomicReference<Throwable> failure) {
    int length = promptTokens[client][turn];
    int from = (client * turns + turn) * 7 % (text.length - length);
    batch.submit(
        BatchRequest.of(
            Arrays.copyOfRange(text, from, from + length),
            GenerationOptions.DEFAULT.withMaxTokens(newTokens[client][turn])),
        new BatchListener() {
          @Override
          public void token(int token, double logProbability, String piece, float[] logits) {}

          @Override
          public void ended(Generation generation, String rest, Optional<Snapshot> state) {
            if (turn + 1 < turns) {
              come(batch, client, turn + 1, open, failure);
            } else {
              open.countDown();
            }
          }

          @Override
          public void failed(Throwable why) {
            failure.set(why);
            open.countDown();
          }
        });
  }
}
