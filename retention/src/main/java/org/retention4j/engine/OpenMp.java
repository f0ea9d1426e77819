package org.retention4j.engine;

import org.nd4j.nativeblas.NativeOps;

/**
 * The thread count of the one OpenMP runtime that oneDNN and ND4J share. It is a property of the
 * calling thread: lanes set it to one, because this library's own workers already use every core
 * and OpenMP teams would spin against them.
 */
final class OpenMp {
  /**
   * Set by a program that was started with {@code OMP_NUM_THREADS=1} and in which nobody asks ND4J
   * for another number: every thread of it has one OpenMP thread from the beginning. Then ND4J,
   * whose libraries take a third of a second, is not started for that.
   */
  static final boolean ONE =
      Boolean.getBoolean("retention.oneOpenMpThread")
          && "1".equals(System.getenv("OMP_NUM_THREADS"));

  private static final NativeOps OPS = ONE ? null : NativeLibraries.nd4j();

  private OpenMp() {}

  static int threads() {
    return OPS == null ? 1 : OPS.ompGetMaxThreads();
  }

  static void setThreads(int threads) {
    if (OPS != null) {
      OPS.setOmpNumThreads(threads);
    } else if (threads != 1) {
      throw new IllegalStateException("expected 1 OpenMP thread in this program, got " + threads);
    }
  }
}
