package org.retention4j.internal.nd4j;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.common.config.ND4JClassLoading;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.retention4j.engine.natives.NativeLibrary;

/** ND4J, and with it the OpenMP runtime that oneDNN shares. */
public final class Nd4jLibrary {
  /**
   * Set by a program that was started with {@code OMP_NUM_THREADS=1} and in which nobody asks ND4J
   * for another number: every thread of it has one OpenMP thread from the beginning. Then ND4J,
   * whose libraries take a third of a second, is not started for that.
   */
  public static final boolean ONE_THREAD =
      Boolean.getBoolean("retention.oneOpenMpThread")
          && "1".equals(System.getenv("OMP_NUM_THREADS"));

  private static final NativeLibrary<Class<Pointer>> POINTERS =
      new NativeLibrary<>("JavaCPP", Nd4jLibrary::loadPointers);

  private static final NativeLibrary<NativeOps> ND4J =
      new NativeLibrary<>("ND4J", Nd4jLibrary::load);

  private static final String BACKENDS = "META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";

  private Nd4jLibrary() {}

  /**
   * Returns its native operations; loads it at first use.
   *
   * @throws org.retention4j.engine.natives.NativeLibraryException if it cannot be loaded
   */
  public static NativeOps get() {
    POINTERS.get(); // Not by what loads ND4J: one of them loads at a time.
    return ND4J.get();
  }

  /**
   * Loads what oneDNN needs: ND4J, which sets OpenMP's threads, unless there is {@link
   * #ONE_THREAD}; and JavaCPP in any case.
   *
   * @throws org.retention4j.engine.natives.NativeLibraryException if it cannot be loaded
   */
  public static void prepare() {
    if (ONE_THREAD) {
      POINTERS.get();
    } else {
      get();
    }
  }

  private static NativeOps load() {
    // ND4J keeps the context class loader of the thread that touched it first, whoever that was.
    if (!seesBackend(ND4JClassLoading.getNd4jClassloader())) {
      ND4JClassLoading.setNd4jClassloader(Nd4jLibrary.class.getClassLoader());
    }
    Nd4j.getBackend();
    return NativeOpsHolder.getInstance().getDeviceNativeOps();
  }

  /**
   * JavaCPP's loader and its pointers' initialiser wait for each other when two threads begin with
   * one of them each: this thread begins with the loader, as ND4J does.
   */
  private static Class<Pointer> loadPointers() {
    synchronized (Loader.class) {
      Loader.load(Pointer.class);
    }
    return Pointer.class;
  }

  private static boolean seesBackend(ClassLoader loader) {
    return loader != null && loader.getResource(BACKENDS) != null;
  }
}
