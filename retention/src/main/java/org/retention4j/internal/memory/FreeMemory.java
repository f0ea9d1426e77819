package org.retention4j.internal.memory;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.bytedeco.javacpp.Pointer;

/** What native memory there is to be had. */
public final class FreeMemory {
  private FreeMemory() {}

  /**
   * Returns the native bytes that this process may still take: what JavaCPP's limits leave (by
   * default as much as the largest Java heap), what the machine has available, and what a
   * container's limit leaves.
   */
  public static long bytes() {
    long room = Pointer.availablePhysicalBytes();
    if (Pointer.maxBytes() > 0) {
      room = Math.min(room, Pointer.maxBytes() - Pointer.totalBytes());
    }
    long physical = Pointer.physicalBytes();
    if (Pointer.maxPhysicalBytes() > 0) {
      room = Math.min(room, Pointer.maxPhysicalBytes() - physical);
    }
    if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean machine) {
      room = Math.min(room, machine.getTotalMemorySize() - physical);
    }
    return Math.max(0, room);
  }
}
