package org.retention4j.internal.lanes;

import java.util.function.Supplier;
import org.nd4j.nativeblas.NativeOps;
import org.retention4j.internal.nd4j.Nd4jLibrary;

/**
 * The thread count of the one OpenMP runtime that oneDNN and ND4J share. It is a property of the
 * calling thread: lanes set it to one, because this library's own workers already use every core
 * and OpenMP teams would spin against them.
 */
public final class OpenMp {
  /** Null where every thread has one OpenMP thread already. */
  private static final NativeOps OPS = Nd4jLibrary.ONE_THREAD ? null : Nd4jLibrary.get();

  private OpenMp() {}

  /** Returns the setting of the calling thread; loads the runtime at first use. */
  public static int threads() {
    return OPS == null ? 1 : OPS.ompGetMaxThreads();
  }

  /** Sets it for the calling thread. */
  public static void setThreads(int threads) {
    if (OPS != null) {
      OPS.setOmpNumThreads(threads);
    } else if (threads != 1) {
      throw new IllegalStateException("expected 1 OpenMP thread in this program, got " + threads);
    }
  }

  /**
   * Runs with one thread: oneDNN plans a primitive for the thread count it finds when the primitive
   * is made. A virtual thread must not call it, see {@link VirtualCallers}.
   */
  public static <T> T withOneThread(Supplier<T> work) {
    int before = threads();
    setThreads(1);
    try {
      return work.get();
    } finally {
      setThreads(before);
    }
  }
}
