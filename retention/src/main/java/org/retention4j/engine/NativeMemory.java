package org.retention4j.engine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts what this library holds: native blocks and the large heap blocks (states, caches, scratch)
 * in bytes, now and at the peak. Benchmarks and tests read it; it never limits anything.
 */
public final class NativeMemory {
  private static final AtomicLong LIVE = new AtomicLong();
  private static final AtomicLong PEAK = new AtomicLong();

  private NativeMemory() {}

  /** Returns the bytes held now. */
  public static long liveBytes() {
    return LIVE.get();
  }

  /** Returns the largest number of bytes held since the last {@link #resetPeak()}. */
  public static long peakBytes() {
    return PEAK.get();
  }

  /** Makes the present holding the peak. */
  public static void resetPeak() {
    PEAK.set(LIVE.get());
  }

  /** Records that {@code bytes} more are held. */
  static void acquired(long bytes) {
    long now = LIVE.addAndGet(bytes);
    PEAK.accumulateAndGet(now, Math::max);
  }

  /** Records that {@code bytes} were given back. */
  static void released(long bytes) {
    LIVE.addAndGet(-bytes);
  }
}
