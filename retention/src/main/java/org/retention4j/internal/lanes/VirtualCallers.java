package org.retention4j.internal.lanes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Runs in a thread of its own what virtual threads ask for, one after the other. OpenMP's thread
 * count belongs to a thread of the operating system, and a virtual thread may be on another one
 * whenever it has waited.
 */
public final class VirtualCallers implements AutoCloseable {
  /** Thread.isVirtual, which Java 17 does not have. */
  private static final MethodHandle IS_VIRTUAL = find();

  private static final long IDLE_SECONDS = 10;

  private final ThreadPoolExecutor thread =
      new ThreadPoolExecutor(
          1, 1, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), VirtualCallers::start);

  /** Makes one without its thread, which comes with the first call. */
  public VirtualCallers() {
    thread.allowCoreThreadTimeOut(true);
  }

  private static Thread start(Runnable work) {
    Thread thread = new Thread(null, work, "retention4j-virtual-callers", 0, false);
    thread.setContextClassLoader(VirtualCallers.class.getClassLoader());
    thread.setDaemon(true);
    return thread;
  }

  private static MethodHandle find() {
    try {
      MethodType type = MethodType.methodType(boolean.class);
      return MethodHandles.publicLookup().findVirtual(Thread.class, "isVirtual", type);
    } catch (NoSuchMethodException | IllegalAccessException e) {
      return MethodHandles.dropArguments(
          MethodHandles.constant(boolean.class, false), 0, Thread.class);
    }
  }

  /** Returns whether the calling thread is virtual. */
  public static boolean isCurrent() {
    try {
      return (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
    } catch (Throwable e) {
      throw Threads.<RuntimeException>rethrow(e);
    }
  }

  /**
   * Returns what work gives, or throws what it throws; an interrupt is kept for later.
   *
   * @throws IllegalStateException after close
   */
  public <T> T call(Supplier<T> work) {
    FutureTask<T> task = new FutureTask<>(work::get);
    try {
      thread.execute(task);
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the engine is closed", e);
    }
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw Threads.<RuntimeException>rethrow(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Runs work, see {@link #call}. */
  public void run(Runnable work) {
    call(
        () -> {
          work.run();
          return null;
        });
  }

  /** Lets what was asked for come to its end and takes no more. */
  @Override
  public void close() {
    thread.shutdown();
  }
}
