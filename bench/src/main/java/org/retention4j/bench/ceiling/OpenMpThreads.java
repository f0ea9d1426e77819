package org.retention4j.bench.ceiling;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/** The OpenMP thread count of the calling thread, which oneDNN obeys. */
final class OpenMpThreads {
  private static final NativeOps OPS = load();

  private OpenMpThreads() {}

  private static NativeOps load() {
    Nd4j.getBackend();
    return NativeOpsHolder.getInstance().getDeviceNativeOps();
  }

  /** Runs work with a thread count and restores the count that was. */
  static void with(int threads, Runnable work) {
    int before = OPS.ompGetMaxThreads();
    OPS.setOmpNumThreads(threads);
    try {
      work.run();
    } finally {
      OPS.setOmpNumThreads(before);
    }
  }
}
