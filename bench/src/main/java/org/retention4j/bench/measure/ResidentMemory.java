package org.retention4j.bench.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The process's resident memory without mapped file pages, and its peak while something runs. */
public final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final long KILO = 1024;

  private ResidentMemory() {}

  /** Returns the bytes now. */
  public static long now() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("RssAnon:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * KILO;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalStateException("expected RssAnon in " + STATUS);
  }

  /** Returns the largest number of bytes seen while work runs. */
  public static long peakOf(Runnable work) {
    long[] peak = {now()};
    Thread watcher =
        new Thread(
            () -> {
              while (!Thread.currentThread().isInterrupted()) {
                peak[0] = Math.max(peak[0], now());
                java.util.concurrent.locks.LockSupport.parkNanos(10_000_000);
              }
            },
            "resident-memory");
    watcher.setDaemon(true);
    watcher.start();
    try {
      work.run();
    } finally {
      watcher.interrupt();
      join(watcher);
    }
    return Math.max(peak[0], now());
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
