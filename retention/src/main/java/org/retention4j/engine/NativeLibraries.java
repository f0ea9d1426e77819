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
  static final NativeLibrary<NativeOps> ND4J =
      new NativeLibrary<>("ND4J", NativeLibraries::loadNd4j);

  static final NativeLibrary<engine> ONE_DNN =
      new NativeLibrary<>("oneDNN", NativeLibraries::loadOneDnn);

  private static final String BACKENDS = "META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";

  private NativeLibraries() {}

  /**
   * Loads ND4J unless that has happened: for who makes arrays without an engine.
   *
   * @throws NativeLibraryException if it cannot be loaded
   */
  public static void requireNd4j() {
    ND4J.get();
  }

  private static NativeOps loadNd4j() {
    loadPointers();
    // ND4J keeps the context class loader of the thread that touched it first, whoever that was.
    if (!seesBackend(ND4JClassLoading.getNd4jClassloader())) {
      ND4JClassLoading.setNd4jClassloader(NativeLibraries.class.getClassLoader());
    }
    Nd4j.getBackend();
    return NativeOpsHolder.getInstance().getDeviceNativeOps();
  }

  /**
   * JavaCPP's loader and its pointers' initialiser wait for each other when two threads begin with
   * one of them each: this thread begins with the loader, as ND4J does.
   */
  private static void loadPointers() {
    synchronized (Loader.class) {
      Loader.load(Pointer.class);
    }
  }

  private static engine loadOneDnn() {
    if (OpenMp.ONE) {
      loadPointers();
    } else {
      requireNd4j(); // one after the other, see there
    }
    return new engine(engine.kind.cpu, 0);
  }

  private static boolean seesBackend(ClassLoader loader) {
    return loader != null && loader.getResource(BACKENDS) != null;
  }
}
