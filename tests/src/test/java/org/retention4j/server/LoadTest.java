package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.retention4j.batch.BatchOptions;
import org.retention4j.engine.HeldMemory;

/** Many clients at once: nothing but answers and 429, and the memory stays what it was. */
class LoadTest extends ServerFixture {
  private static final int CLIENTS = 64;

  @Test
  void manyClientsGetAnswersOr429() throws Exception {
    load(Duration.ofSeconds(3)); // whether each call is answered takes minutes to see: below
  }

  @Tag("slow")
  @Test
  void manyClientsForMinutes() throws Exception {
    assertThat(load(Duration.ofMinutes(5))).as("calls without an answer").isEmpty();
  }

  /** Returns why calls had no answer at all, after which a client does not come again. */
  private Queue<Throwable> load(Duration time) throws Exception {
    BatchOptions batch = BatchOptions.DEFAULT.withSequences(16).withWaiting(32);
    Client client = client(OPTIONS.withBatch(batch));
    client.ok("/v1/completions", "{\"prompt\":\"warm\",\"n\":8}");
    Set<Integer> statuses = new ConcurrentSkipListSet<>();
    AtomicInteger answers = new AtomicInteger();
    Queue<Throwable> unanswered = new ConcurrentLinkedQueue<>();
    round(client, Duration.ofSeconds(1), statuses, answers, unanswered);
    long held = settled(client);
    long heap = heap();
    round(client, time, statuses, answers, unanswered);
    assertThat(statuses).isSubsetOf(200, 429).contains(200);
    assertThat(answers).hasValueGreaterThan(CLIENTS);
    assertThat(settled(client)).as("bytes held").isLessThanOrEqualTo(held + (4 << 20));
    assertThat(heap()).as("heap in use").isLessThanOrEqualTo(heap + (16 << 20));
    return unanswered;
  }

  /** Returns what lives on the heap. */
  private static long heap() {
    System.gc();
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static long settled(Client client) throws InterruptedException {
    await(
        "all have ended",
        () ->
            client.metric("retention_sequences{state=\"writing\"}")
                    + client.metric("retention_sequences{state=\"reading\"}")
                    + client.metric("retention_sequences{state=\"waiting\"}")
                == 0);
    return HeldMemory.liveBytes();
  }

  private static void round(
      Client client,
      Duration time,
      Set<Integer> statuses,
      AtomicInteger answers,
      Queue<Throwable> unanswered)
      throws InterruptedException {
    long until = System.nanoTime() + time.toNanos();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      SplittableRandom random = new SplittableRandom(i);
      threads.add(
          new Thread(
              () -> {
                while (System.nanoTime() < until) {
                  int[] prompt = text(random.nextLong(), random.nextInt(1, 200));
                  String body =
                      "{\"prompt\":"
                          + json(prompt)
                          + ",\"max_tokens\":"
                          + random.nextInt(0, 80)
                          + ",\"stream\":"
                          + random.nextBoolean()
                          + ",\"n\":"
                          + random.nextInt(1, 3)
                          + "}";
                  statuses.add(client.post("/v1/completions", body).status());
                  answers.incrementAndGet();
                }
              }));
    }
    threads.forEach(thread -> thread.setUncaughtExceptionHandler((failed, e) -> unanswered.add(e)));
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
