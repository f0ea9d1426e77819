package org.retention4j.engine;

import org.bytedeco.dnnl.engine;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.common.config.ND4JClassLoading;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/** The native libraries that computing needs. */
public final class NativeLibraries {
  private static final NativeLibrary<NativeOps> ND4J =
      new NativeLibrary<>("ND4J", NativeLibraries::loadNd4j);

  private static final NativeLibrary<engine> ONE_DNN =
      new NativeLibrary<>("oneDNN", () -> new engine(engine.kind.cpu, 0));

  private static final String BACKENDS = "META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";

  private NativeLibraries() {}

  /**
   * Loads ND4J unless that has happened: for who makes arrays without an engine.
   *
   * @throws NativeLibraryException if it cannot be loaded
   */
  public static void requireNd4j() {
    nd4j();
  }

  static NativeOps nd4j() {
    return ND4J.get();
  }

  static engine oneDnn() {
    nd4j(); // JavaCPP is begun with there
    return ONE_DNN.get();
  }

  private static NativeOps loadNd4j() {
    // JavaCPP's loader and its pointers' initialiser wait for each other when two threads begin
    // with one of them each: this thread begins with the loader, as ND4J does.
    synchronized (Loader.class) {
      Loader.load(Pointer.class);
    }
    // ND4J keeps the context class loader of the thread that touched it first, whoever that was.
    if (!seesBackend(ND4JClassLoading.getNd4jClassloader())) {
      ND4JClassLoading.setNd4jClassloader(NativeLibraries.class.getClassLoader());
    }
    Nd4j.getBackend();
    return NativeOpsHolder.getInstance().getDeviceNativeOps();
  }

  private static boolean seesBackend(ClassLoader loader) {
    return loader != null && loader.getResource(BACKENDS) != null;
  }
}
