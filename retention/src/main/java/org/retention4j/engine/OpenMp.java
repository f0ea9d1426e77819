package org.retention4j.engine;

import org.nd4j.nativeblas.NativeOps;

/**
 * The thread count of the one OpenMP runtime that oneDNN and ND4J share. It is a property of the
 * calling thread: lanes set it to one, because this library's own workers already use every core
 * and OpenMP teams would spin against them.
 */
final class OpenMp {
  private static final NativeOps OPS = NativeLibraries.nd4j();

  private OpenMp() {}

  static int threads() {
    return OPS.ompGetMaxThreads();
  }

  static void setThreads(int threads) {
    OPS.setOmpNumThreads(threads);
  }
}
