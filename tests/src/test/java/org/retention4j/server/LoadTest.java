package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.retention4j.batch.BatchOptions;
import org.retention4j.engine.HeldMemory;

/**
 * Many clients at once, each with one connection for all it asks: nothing but answers and 429, no
 * connection lost, no byte beside an answer, and the memory stays what it was.
 */
class LoadTest extends ServerFixture {
  private static final int CLIENTS = 64;
  private static final int REFUSED = 429;

  /** What the clients saw. */
  private static final class Seen {
    final AtomicInteger answers = new AtomicInteger();
    final AtomicInteger refusals = new AtomicInteger();
    final Queue<Throwable> faults = new ConcurrentLinkedQueue<>();
  }

  @Test
  void manyClientsGetAnswersOr429() throws Exception {
    load(Duration.ofSeconds(3));
  }

  /** Five of them, or as many as {@code -Dload.minutes} says. */
  @Tag("slow")
  @Test
  void manyClientsForMinutes() throws Exception {
    load(Duration.ofMinutes(Long.getLong("load.minutes", 5)));
  }

  private void load(Duration time) throws Exception {
    BatchOptions batch = BatchOptions.DEFAULT.withSequences(16).withWaiting(32);
    RetentionServer server = server(OPTIONS.withBatch(batch));
    Client client = new Client(server.address().getPort());
    client.ok("/v1/completions", "{\"prompt\":\"warm\",\"n\":8}");
    int port = server.address().getPort();
    round(port, Duration.ofSeconds(1));
    long held = settled(client);
    long heap = heap();
    Seen seen = round(port, time);
    assertThat(seen.faults).as("calls without an answer or with another status").isEmpty();
    assertThat(seen.answers).hasPositiveValue();
    assertThat(seen.refusals).hasPositiveValue();
    assertThat(settled(client)).as("bytes held").isLessThanOrEqualTo(held + (4 << 20));
    assertThat(heap()).as("heap in use").isLessThanOrEqualTo(heap + (16 << 20));
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

  private static Seen round(int port, Duration time) throws InterruptedException {
    long until = System.nanoTime() + time.toNanos();
    Seen seen = new Seen();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      SplittableRandom random = new SplittableRandom(i);
      threads.add(new Thread(() -> ask(port, random, until, seen)));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    return seen;
  }

  private static void ask(int port, SplittableRandom random, long until, Seen seen) {
    try (KeptConnection connection = new KeptConnection(port)) {
      while (System.nanoTime() < until) {
        boolean stream = random.nextBoolean();
        int[] prompt = text(random.nextLong(), random.nextInt(1, 200));
        String body =
            "{\"prompt\":"
                + json(prompt)
                + ",\"max_tokens\":"
                + random.nextInt(0, 80)
                + ",\"stream\":"
                + stream
                + ",\"n\":"
                + random.nextInt(1, 3)
                + "}";
        Client.Reply reply = connection.post("/v1/completions", body);
        if (reply.status() == REFUSED) {
          seen.refusals.incrementAndGet();
          Thread.sleep(random.nextInt(20)); // and some do not wait
        } else if (reply.status() == 200) {
          int choices = stream ? reply.events().size() : reply.json().at("/choices").size();
          assertThat(choices).as("%s", reply).isPositive();
          seen.answers.incrementAndGet();
        } else {
          throw new IOException("expected an answer or 429, got " + reply);
        }
      }
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      seen.faults.add(e);
    }
  }
}
