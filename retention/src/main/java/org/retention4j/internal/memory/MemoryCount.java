package org.retention4j.internal.memory;

import java.util.concurrent.atomic.AtomicLong;

/** The bytes that all arenas hold, now and at the peak. */
public final class MemoryCount {
  private static final AtomicLong LIVE = new AtomicLong();
  private static final AtomicLong PEAK = new AtomicLong();

  private MemoryCount() {}

  /** Returns the bytes held now. */
  public static long live() {
    return LIVE.get();
  }

  /** Returns the largest number of bytes held since the last {@link #resetPeak()}. */
  public static long peak() {
    return PEAK.get();
  }

  /** Makes the present holding the peak. */
  public static void resetPeak() {
    PEAK.set(LIVE.get());
  }

  static void acquired(long bytes) {
    long now = LIVE.addAndGet(bytes);
    PEAK.accumulateAndGet(now, Math::max);
  }

  static void released(long bytes) {
    LIVE.addAndGet(-bytes);
  }
}
