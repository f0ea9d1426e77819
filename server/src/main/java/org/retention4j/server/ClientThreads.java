package org.retention4j.server;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for requests, each of which is one client's until it is answered. A client that sends or
 * takes too slowly is cut off: after some time, or much earlier when another waits for its thread.
 * Threads that compute, or wait for the batch, are left alone.
 */
final class ClientThreads implements Executor, AutoCloseable {
  private static final long LOOK_MILLIS = 100;
  private static final long IDLE_SECONDS = 30;

  private static final ThreadLocal<Turn> CURRENT = new ThreadLocal<>();

  private final long patience;
  private final long leastPatience;
  private final ThreadPoolExecutor pool;
  private final ScheduledExecutorService clock;
  private final Set<Turn> turns = ConcurrentHashMap.newKeySet();

  /**
   * Begins without threads.
   *
   * @param count the most threads
   * @param patience how long a client may keep one waiting
   * @param leastPatience the same while others wait for a thread
   */
  ClientThreads(int count, Duration patience, Duration leastPatience) {
    this.patience = patience.toNanos();
    this.leastPatience = leastPatience.toNanos();
    AtomicInteger number = new AtomicInteger();
    pool =
        new ThreadPoolExecutor(
            0,
            count,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new IdleFirst(),
            task -> daemon(task, "retention-http-" + number.incrementAndGet()),
            ClientThreads::queue);
    clock = Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "retention-clients"));
    clock.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Gives a task to an idle thread, and refuses it where there is none: a new one is made then. */
  private static final class IdleFirst extends LinkedTransferQueue<Runnable> {
    private static final long serialVersionUID = 1L;

    @Override
    public boolean offer(Runnable task) {
      return tryTransfer(task);
    }

    void keep(Runnable task) {
      super.offer(task);
    }
  }

  /** With all threads at work a task waits for one. */
  private static void queue(Runnable task, ThreadPoolExecutor pool) {
    if (pool.isShutdown()) {
      throw new RejectedExecutionException("this server has been stopped");
    }
    ((IdleFirst) pool.getQueue()).keep(task);
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** A thread's work for a client. At its beginning it waits for what the client sends. */
  static final class Turn {
    private final Thread thread = Thread.currentThread();
    private final long begin = System.nanoTime();
    private long since = begin;
    private boolean waits = true;
    private boolean cut;

    /** From now on the thread waits for the client, as it did before: all of that counts. */
    synchronized void waitsStill() {
      waits = true;
    }

    /** From now on the thread waits for the client; what was before does not count. */
    synchronized void waits() {
      since = System.nanoTime();
      waits = true;
    }

    /** From now on the thread does not wait for the client. */
    synchronized void works() {
      waits = false;
      if (cut) {
        cut = false;
        Thread.interrupted(); // it came too late: what was waited for is there
      }
    }

    private synchronized long waited(long now) {
      return waits ? now - since : 0;
    }

    /** At an interrupt a thread's channel closes, and what waits for it fails. */
    private synchronized void cut(long longerThan, long now) {
      if (waited(now) > longerThan) {
        cut = true;
        thread.interrupt();
      }
    }
  }

  /**
   * Returns the turn of this thread; one that nobody looks after where it is no thread of these.
   */
  static Turn turn() {
    Turn turn = CURRENT.get();
    return turn == null ? new Turn() : turn;
  }

  @Override
  public void execute(Runnable request) {
    pool.execute(
        () -> {
          Turn turn = new Turn();
          CURRENT.set(turn);
          turns.add(turn);
          try {
            request.run();
          } finally {
            turns.remove(turn);
            turn.works();
            CURRENT.remove();
          }
        });
  }

  private record Waiting(Turn turn, long nanos) {}

  /** Cuts off who keeps a thread too long, and of the others who keep one longest for who waits. */
  private void look() {
    long now = System.nanoTime();
    List<Waiting> longest =
        turns.stream()
            .map(turn -> new Waiting(turn, turn.waited(now)))
            .sorted(Comparator.comparingLong(Waiting::nanos).reversed())
            .toList();
    int wanted = pool.getQueue().size();
    for (Waiting each : longest) {
      each.turn().cut(wanted-- > 0 ? leastPatience : patience, now);
    }
  }

  /** Waits for those that run, for some time. */
  @Override
  public void close() {
    pool.shutdown();
    try {
      pool.awaitTermination(IDLE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    clock.shutdownNow();
  }
}
