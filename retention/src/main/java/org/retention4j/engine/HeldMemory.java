package org.retention4j.engine;

import org.retention4j.internal.memory.FreeMemory;
import org.retention4j.internal.memory.MemoryCount;

/**
 * Counts what this library holds: native blocks and the large heap blocks (states, caches, scratch)
 * in bytes, now and at the peak. Benchmarks and tests read it; it never limits anything.
 *
 * @since 0.1
 */
public final class HeldMemory {
  private HeldMemory() {}

  /** Returns the bytes held now. */
  public static long liveBytes() {
    return MemoryCount.live();
  }

  /** Returns the largest number of bytes held since the last {@link #resetPeak()}. */
  public static long peakBytes() {
    return MemoryCount.peak();
  }

  /** Makes the present holding the peak. */
  public static void resetPeak() {
    MemoryCount.resetPeak();
  }

  /**
   * Returns the native bytes that this process may still take: what the limits of the JVM's native
   * memory leave, which are by default those of its heap, and what the machine has available.
   */
  public static long freeBytes() {
    return FreeMemory.bytes();
  }
}
