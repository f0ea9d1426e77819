package org.retention4j.bench.measure;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.HeldMemory;

/**
 * Counts the bytes that all threads allocate on the heap, and native bytes, between {@link
 * #start()} and {@link #stop()}. Reading allocates nothing, so that nothing has to be subtracted.
 */
public final class AllocationMeter {
  private final ThreadMXBean threads;
  private long[] ids = new long[0];
  private long[] before = new long[0];
  private long started;
  private long libraryBefore;
  private long pointersBefore;

  /**
   * What was allocated.
   *
   * @param heap bytes over all threads
   * @param library bytes by this library's own counter of native and large heap blocks
   * @param pointers bytes by JavaCPP's counter of native memory
   */
  public record Allocated(long heap, long library, long pointers) {
    /** Returns heap and native bytes together. */
    public long total() {
      return heap + Math.abs(library) + Math.abs(pointers);
    }
  }

  /**
   * Prepares a meter.
   *
   * @throws IllegalStateException if this JVM does not count allocation by thread
   */
  public AllocationMeter() {
    if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean bean)
        || !bean.isThreadAllocatedMemorySupported()) {
      throw new IllegalStateException("this JVM does not count allocation by thread");
    }
    threads = bean;
    threads.setThreadAllocatedMemoryEnabled(true);
    // The first readings load classes, which allocates.
    start();
    stop();
    start();
    stop();
  }

  /** Starts counting. */
  public void start() {
    ids = threads.getAllThreadIds();
    before = new long[ids.length];
    started = threads.getTotalStartedThreadCount();
    libraryBefore = HeldMemory.liveBytes();
    pointersBefore = Pointer.totalBytes();
    for (int i = 0; i < ids.length; i++) {
      before[i] = threads.getThreadAllocatedBytes(ids[i]);
    }
  }

  /** Ends counting. A thread that began in between counts in full. */
  public Allocated stop() {
    long heap = 0;
    for (int i = 0; i < ids.length; i++) {
      long now = threads.getThreadAllocatedBytes(ids[i]);
      heap += now < 0 || before[i] < 0 ? 0 : now - before[i];
    }
    long library = HeldMemory.liveBytes() - libraryBefore;
    long pointers = Pointer.totalBytes() - pointersBefore;
    if (threads.getTotalStartedThreadCount() != started) {
      heap += allocatedByNewThreads();
    }
    return new Allocated(heap, library, pointers);
  }

  private long allocatedByNewThreads() {
    long heap = 0;
    for (long id : threads.getAllThreadIds()) {
      boolean known = false;
      for (long old : ids) {
        known |= old == id;
      }
      heap += known ? 0 : Math.max(0, threads.getThreadAllocatedBytes(id));
    }
    return heap;
  }
}
