package org.retention4j.internal.vector;

import com.sun.management.ThreadMXBean;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Runs the vector kernels on a few numbers until the JIT has compiled them: before that each vector
 * is an object, which is no way to begin with gigabytes of weights, and leaves as much garbage. The
 * compiler counts calls more than loops, so the calls are short.
 */
public final class JitWarmUp {
  private static final Logger LOGGER = System.getLogger(JitWarmUp.class.getName());
  private static final int CALLS = 2000;
  private static final int CALLS_AGAIN = 200;
  private static final int WIDTH = 64;
  private static final int ROWS = 16;

  /** So much later whatever is not compiled yet is left alone. */
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(5);

  private static final long PAUSE_MILLIS = 10;

  private static final FutureTask<Void> TASK = new FutureTask<>(JitWarmUp::run, null);
  private static final AtomicBoolean STARTED = new AtomicBoolean();

  private static final Map<String, Supplier<List<Runnable>>> REGISTERED = new ConcurrentHashMap<>();

  private JitWarmUp() {}

  /** Adds kernels of others, which must be there before {@link #start}; a name counts once. */
  public static void register(String name, Supplier<List<Runnable>> kernels) {
    REGISTERED.putIfAbsent(name, kernels);
  }

  /** Begins, once in this JVM, in a thread of its own. */
  public static void start() {
    if (STARTED.compareAndSet(false, true)) {
      Thread thread = new Thread(TASK, "retention-warm-up");
      thread.setDaemon(true);
      try {
        thread.start();
      } catch (OutOfMemoryError e) { // no more threads: somebody may be waiting already
        TASK.run();
      }
    }
  }

  /** Returns whether it is done. */
  public static boolean isDone() {
    return TASK.isDone();
  }

  /** Returns when it is done. */
  public static void await() {
    start();
    try {
      TASK.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void run() {
    List<Runnable> kernels = new ArrayList<>();
    REGISTERED.values().forEach(more -> kernels.addAll(more.get()));
    kernels.addAll(elementWise(new VectorKernels()));
    for (Runnable kernel : kernels) {
      call(kernel, CALLS);
    }
    try {
      awaitCompiler(kernels);
    } catch (LinkageError e) {
      LOGGER.log(Level.DEBUG, "no module jdk.management: not awaiting the compiler", e);
    }
  }

  private static void call(Runnable kernel, int times) {
    for (int i = 0; i < times; i++) {
      kernel.run();
    }
  }

  /** Compiled kernels make no objects. */
  private static void awaitCompiler(List<Runnable> kernels) {
    if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads)
        || !threads.isThreadAllocatedMemorySupported()
        || !threads.isThreadAllocatedMemoryEnabled()) {
      return;
    }
    long deadline = System.nanoTime() + PATIENCE;
    for (Runnable kernel : kernels) {
      long before;
      long after = threads.getCurrentThreadAllocatedBytes();
      do {
        before = after;
        call(kernel, CALLS_AGAIN);
        after = threads.getCurrentThreadAllocatedBytes();
        // The first look made what it is looked at with.
      } while (after - before > CALLS_AGAIN && pause() && System.nanoTime() < deadline);
    }
  }

  private static boolean pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static List<Runnable> elementWise(VectorKernels kernels) {
    float[][] state = new float[1][ROWS * WIDTH];
    float[][] rows = new float[ROWS][WIDTH];
    float[] factors = new float[WIDTH];
    float[] sum = new float[WIDTH];
    return List.of(
        () -> kernels.fold(state, ROWS, WIDTH, 0.5f, true, rows, rows, ROWS, factors),
        () -> kernels.dot(sum, rows[0], WIDTH),
        () -> kernels.addRows(state, ROWS, WIDTH, factors, sum),
        () -> kernels.addEach(rows, factors, ROWS, sum, WIDTH),
        () -> kernels.rotateHalves(sum, WIDTH / 2, factors, factors, 1),
        () -> kernels.decayAndAdd(state, 0, WIDTH, 0.5f, sum));
  }
}
