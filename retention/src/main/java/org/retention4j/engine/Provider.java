package org.retention4j.engine;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/** The route that element-wise fp32 work takes. */
public enum Provider {
  /** Loops that the JIT compiler vectorises by itself. */
  PLAIN,
  /** The Vector API; needs {@code --add-modules jdk.incubator.vector}. */
  VECTOR;

  private static final Logger LOGGER = System.getLogger(Provider.class.getName());

  /** Returns whether this provider can be used in this JVM. */
  public boolean available() {
    return this == PLAIN || ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  /** Returns the best provider of this JVM: chosen once, said once. */
  public static Provider best() {
    return Choice.BEST;
  }

  /**
   * Returns new kernels of this provider, for one lane.
   *
   * @throws IllegalArgumentException if the provider is not available
   */
  Kernels kernels() {
    if (!available()) {
      throw new IllegalArgumentException(
          "provider VECTOR needs the JVM option --add-modules jdk.incubator.vector,"
              + " and this JVM runs without that module");
    }
    return this == PLAIN ? new PlainKernels() : new VectorKernels();
  }

  /** Holds the choice so that it is made, and logged, at first use. */
  private static final class Choice {
    static final Provider BEST = choose();

    private static Provider choose() {
      if (VECTOR.available()) {
        LOGGER.log(Level.INFO, "element-wise kernels: Vector API");
        return VECTOR;
      }
      LOGGER.log(
          Level.INFO,
          "element-wise kernels: plain Java, because the module jdk.incubator.vector is absent"
              + " (add it with --add-modules jdk.incubator.vector)");
      return PLAIN;
    }
  }
}
