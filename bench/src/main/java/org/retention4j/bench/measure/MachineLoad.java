package org.retention4j.bench.measure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What else the machine did during a measurement.
 *
 * @param loadAverage over the last minute, this program included; negative when unknown
 * @param steal share of all processor time that the hypervisor gave to others; negative when
 *     unknown
 * @param foreign share of all processor time that other processes used; negative when unknown
 */
public record MachineLoad(double loadAverage, double steal, double foreign) {
  /** Above this share of stolen or foreign time a measurement is marked as noisy. */
  public static final double NOISE = 0.05;

  private static final Path STAT = Path.of("/proc/stat");

  /** Returns whether others took a part of the machine that matters. */
  public boolean noisy() {
    return steal > NOISE || foreign > NOISE;
  }

  /** Starts watching. */
  public static Watch watch() {
    return new Watch();
  }

  /** A measurement under way. */
  public static final class Watch {
    private final long[] before = processorTicks();
    private final long ownBefore = ownNanos();

    private Watch() {}

    /** Returns what happened since the watch began. */
    public MachineLoad stop() {
      double loadAverage = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
      long[] after = processorTicks();
      if (before.length < 8 || after.length < 8) {
        return new MachineLoad(loadAverage, -1, -1);
      }
      long total = 0;
      for (int i = 0; i < 8; i++) {
        total += after[i] - before[i];
      }
      if (total <= 0) {
        return new MachineLoad(loadAverage, 0, 0);
      }
      long idle = after[3] - before[3] + after[4] - before[4];
      long stolen = after[7] - before[7];
      // The kernel counts in hundredths of a second.
      double own = (ownNanos() - ownBefore) / 1e7;
      double foreign = Math.max(0, total - idle - stolen - own);
      // A tick or two of rounding is no neighbour.
      boolean tooShort = foreign <= 3;
      return new MachineLoad(loadAverage, (double) stolen / total, tooShort ? 0 : foreign / total);
    }
  }

  /** Returns user, nice, system, idle, iowait, irq, softirq and steal ticks, or nothing. */
  private static long[] processorTicks() {
    if (!Files.isReadable(STAT)) {
      return new long[0];
    }
    try {
      List<String> lines = Files.readAllLines(STAT);
      String[] fields = lines.get(0).trim().split("\\s+", -1);
      long[] ticks = new long[Math.min(8, fields.length - 1)];
      for (int i = 0; i < ticks.length; i++) {
        ticks[i] = Long.parseLong(fields[i + 1]);
      }
      return ticks;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long ownNanos() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean os
        ? os.getProcessCpuTime()
        : 0;
  }
}
