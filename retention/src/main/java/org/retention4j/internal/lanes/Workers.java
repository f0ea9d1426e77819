package org.retention4j.internal.lanes;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;

/**
 * Runs the parts of a task on the caller (lane 0) and on helper threads. Between two tasks of one
 * step the helpers spin for a moment, then they park. Which lane takes which part varies; what a
 * part computes does not.
 *
 * <p>One call at a time is served, in the order of asking. A thread that is inside one cannot begin
 * another: what parts run is foreign code, and two engines that waited for each other would wait
 * for ever.
 */
public final class Workers implements AutoCloseable {
  /** About 20 µs: the gap between two tasks of a decoding step. */
  private static final int SPINS = 500;

  /** Some 100 µs to 1 ms, in which others may have the core. */
  private static final int YIELDS = 400;

  /** Whose call a thread is inside, as its caller or as a helper. */
  private static final ThreadLocal<Workers> INSIDE = new ThreadLocal<>();

  private final Lane[] lanes;
  private final Helper[] helpers;

  /** Fair: who has just had it would take it again before those that wait have woken up. */
  private final ReentrantLock lock = new ReentrantLock(true);

  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile int generation;
  private volatile boolean closed;
  private Lanes.Task task;
  private int count;

  /** OpenMP's thread count of the caller, which is none of our business afterwards. */
  private int callersThreads;

  /** Starts the helpers. */
  public Workers(Lane[] lanes) {
    this.lanes = lanes;
    helpers = new Helper[lanes.length - 1];
    try {
      for (int i = 0; i < helpers.length; i++) {
        helpers[i] = new Helper(lanes[i + 1]);
        helpers[i].start();
      }
    } catch (Throwable e) {
      endHelpers();
      throw e;
    }
  }

  /** Returns whether it is closed. */
  public boolean closed() {
    return closed;
  }

  /**
   * Keeps other threads' calls out while work runs, which may run tasks.
   *
   * @throws IllegalStateException from inside another call
   */
  public void exclusively(Runnable work) {
    boolean outermost = enter();
    try {
      work.run();
    } finally {
      if (outermost) {
        leave();
      }
    }
  }

  /**
   * Runs parts 0…parts−1 and returns when all are done, or when one has thrown and no other runs.
   *
   * @throws IllegalStateException after close, or from inside another call
   */
  public void run(int parts, Lanes.Task work) {
    if (parts <= 0) {
      return;
    }
    boolean outermost = enter();
    try {
      if (closed) {
        throw new IllegalStateException("the engine is closed");
      }
      task = work;
      count = parts;
      if (parts == 1 || helpers.length == 0) {
        for (int i = 0; i < parts; i++) {
          work.run(lanes[0], i);
        }
      } else {
        runOnAll();
      }
    } finally {
      task = null;
      if (outermost) {
        leave();
      }
    }
  }

  /** Begins a call, or returns false inside one of the same thread that is between two tasks. */
  private boolean enter() {
    Workers inside = INSIDE.get();
    if (inside == this && lock.isHeldByCurrentThread() && task == null) {
      return false;
    }
    if (inside != null) {
      throw new IllegalStateException(
          "expected a call of an engine from outside, got one from within a call, of a form's"
              + " kernel say: it may use its lane and no engine");
    }
    Threads.requireStack();
    INSIDE.set(this);
    boolean entered = false;
    try {
      lock.lock();
      entered = true;
    } finally {
      if (!entered) {
        INSIDE.set(null);
      }
    }
    callersThreads = OpenMp.threads();
    if (callersThreads != 1) {
      OpenMp.setThreads(1);
    }
    return true;
  }

  private void leave() {
    if (callersThreads != 1) {
      OpenMp.setThreads(callersThreads);
    }
    lock.unlock();
    INSIDE.set(null);
  }

  private void runOnAll() {
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
    Throwable thrown = failure.get();
    if (thrown != null) {
      failure.set(null);
      throw Threads.<RuntimeException>rethrow(thrown);
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
    } catch (Throwable e) { // checked ones too: a form may throw what it likes
      failure.compareAndSet(null, e);
      next.set(count);
    }
  }

  /**
   * Waits for a running call, then ends the helpers.
   *
   * @throws IllegalStateException from inside a call
   */
  @Override
  public void close() {
    if (!enter()) {
      throw new IllegalStateException("an engine cannot be closed from within a call of its own");
    }
    try {
      closed = true;
    } finally {
      leave();
    }
    endHelpers();
  }

  private void endHelpers() {
    closed = true;
    generation++;
    for (Helper helper : helpers) {
      if (helper != null) {
        LockSupport.unpark(helper);
        Threads.join(helper);
      }
    }
  }

  private final class Helper extends Thread {
    private final Lane lane;
    private volatile boolean parked;

    Helper(Lane lane) {
      super(null, null, "retention4j-lane-" + lane.index(), 0, false);
      this.lane = lane;
      setDaemon(true);
      setContextClassLoader(Workers.class.getClassLoader());
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      INSIDE.set(Workers.this);
      OpenMp.setThreads(1);
      for (int seen = await(0); !closed; seen = await(seen)) {
        takeParts(lane);
        busy.decrementAndGet();
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
        Thread.interrupted(); // else it would never park again
      }
      parked = false;
      return generation;
    }
  }
}
