package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.batch.BatchOptions;
import org.retention4j.engine.HeldMemory;

/**
 * Many clients at once, each with one connection for all it asks, a quarter of them in sessions:
 * nothing but answers and 429, no connection lost, no byte beside an answer, and the memory stays
 * what it was.
 */
class LoadTest extends ServerFixture {
  private static final int CLIENTS = 64;
  private static final String PREFIXES = "retention_prefix_cache_";

  /** Little, so that it is full before the memory is looked at. */
  private static final long PREFIX_BYTES = 500_000;

  private final SplittableRandom random = new SplittableRandom(1);

  @TempDir Path folder;

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
    BatchOptions batch =
        BatchOptions.DEFAULT.withSequences(16).withWaiting(32).withPrefixBytes(PREFIX_BYTES);
    ServerOptions options =
        OPTIONS
            .withBatch(batch)
            .withSessions(folder)
            .withSaving(Duration.ofMillis(100), Duration.ofMillis(200));
    int port = server(options).address().getPort();
    Client client = new Client(port);
    client.ok("/v1/completions", "{\"prompt\":\"warm\",\"n\":8}");
    do {
      assertThat(round(port, Duration.ofSeconds(1)).faults).isEmpty();
    } while (client.metric(PREFIXES + "evictions_total") == 0);
    long held = settled(client);
    long heap = heap();
    double known = known(client);
    LoadClient.Seen seen = round(port, time);
    assertThat(seen.faults).as("calls without an answer or with another status").isEmpty();
    assertThat(seen.completions).hasPositiveValue();
    assertThat(seen.sessions).hasPositiveValue();
    assertThat(seen.refusals).hasPositiveValue();
    assertThat(known(client)).as("prompts whose beginning was known").isGreaterThan(known);
    assertThat(settled(client)).as("bytes held").isLessThanOrEqualTo(held + (4 << 20));
    assertThat(heap()).as("heap in use").isLessThanOrEqualTo(heap + (16 << 20));
    assertThat(client.metric("retention_sessions")).isZero();
    assertThat(folder).isDirectoryNotContaining("glob:**.session");
  }

  private static double known(Client client) {
    return client.metric(PREFIXES + "requests_total{result=\"hit\"}")
        + client.metric(PREFIXES + "requests_total{result=\"partial\"}");
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

  private LoadClient.Seen round(int port, Duration time) throws InterruptedException {
    long until = System.nanoTime() + time.toNanos();
    LoadClient.Seen seen = new LoadClient.Seen();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      String session = i % 4 == 0 ? "talk-" + i : null;
      threads.add(new Thread(new LoadClient(port, session, random.split(), until, seen)));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    return seen;
  }
}
