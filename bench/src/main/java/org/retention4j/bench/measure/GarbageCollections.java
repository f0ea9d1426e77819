package org.retention4j.bench.measure;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/** Counts garbage collections. */
public final class GarbageCollections {
  private static final List<GarbageCollectorMXBean> COLLECTORS =
      ManagementFactory.getGarbageCollectorMXBeans();

  private GarbageCollections() {}

  /** Returns the collections of this JVM so far. */
  public static long count() {
    long count = 0;
    for (int i = 0; i < COLLECTORS.size(); i++) {
      count += Math.max(0, COLLECTORS.get(i).getCollectionCount());
    }
    return count;
  }
}
