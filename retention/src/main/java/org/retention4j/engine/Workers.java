package org.retention4j.engine;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Runs the parts of a task on the caller (lane 0) and on helper threads. Between two tasks of one
 * step the helpers spin for a moment, then they park. Which lane takes which part varies; what a
 * part computes does not.
 */
final class Workers implements AutoCloseable {
  /** About 20 µs: the gap between two tasks of a decoding step. */
  private static final int SPINS = 500;

  /** Some 100 µs to 1 ms, in which others may have the core. */
  private static final int YIELDS = 400;

  private final Lane[] lanes;
  private final Helper[] helpers;
  private final Runnable threadStart;
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private volatile int generation;
  private volatile boolean closed;
  private volatile Throwable failure;
  private LaneTask task;
  private int count;

  Workers(Lane[] lanes, Runnable threadStart) {
    this.lanes = lanes;
    this.threadStart = threadStart;
    helpers = new Helper[lanes.length - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper(lanes[i + 1]);
      helpers[i].start();
    }
  }

  /** Keeps other threads' tasks out until {@link #unlock()}; a thread may lock more than once. */
  void lock() {
    lock.lock();
  }

  void unlock() {
    lock.unlock();
  }

  /** Runs parts 0…count−1 and returns when all are done; one task at a time. */
  void run(int parts, LaneTask work) {
    if (parts <= 0) {
      return;
    }
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the engine is closed");
      }
      if (parts == 1 || helpers.length == 0) {
        for (int i = 0; i < parts; i++) {
          work.run(lanes[0], i);
        }
        return;
      }
      runOnAll(parts, work);
    } finally {
      lock.unlock();
    }
  }

  private void runOnAll(int parts, LaneTask work) {
    task = work;
    count = parts;
    failure = null;
    next.set(0);
    busy.set(helpers.length);
    generation++;
    for (Helper helper : helpers) {
      helper.wake();
    }
    takeParts(lanes[0]);
    for (int i = 0; busy.get() != 0; i++) {
      pause(i);
    }
    task = null;
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
      throw new IllegalStateException(thrown);
    }
  }

  private static void pause(int round) {
    if (round < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  private void takeParts(Lane lane) {
    try {
      int part = next.getAndIncrement();
      while (part < count) {
        task.run(lane, part);
        part = next.getAndIncrement();
      }
    } catch (RuntimeException | Error e) {
      failure = e;
      next.set(count);
    }
  }

  /** Waits for a running task, then ends the helpers. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      generation++;
      for (Helper helper : helpers) {
        LockSupport.unpark(helper);
      }
    } finally {
      lock.unlock();
    }
    for (Helper helper : helpers) {
      boolean interrupted = false;
      while (helper.isAlive()) {
        try {
          helper.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final class Helper extends Thread {
    private final Lane lane;
    private volatile boolean parked;

    Helper(Lane lane) {
      super("retention4j-lane-" + lane.index());
      this.lane = lane;
      setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      threadStart.run();
      int seen = 0;
      while (!closed) {
        seen = await(seen);
        if (!closed) {
          takeParts(lane);
          busy.decrementAndGet();
        }
      }
    }

    private int await(int seen) {
      for (int i = 0; i < SPINS + YIELDS; i++) {
        if (generation != seen) {
          return generation;
        }
        pause(i);
      }
      parked = true;
      while (generation == seen) {
        LockSupport.park(this);
      }
      parked = false;
      return generation;
    }
  }
}
