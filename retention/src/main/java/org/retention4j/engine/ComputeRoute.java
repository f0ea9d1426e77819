package org.retention4j.engine;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Who computes: loops of plain Java, or vectors; and oneDNN where it is faster than both.
 *
 * @since 0.1
 */
public enum ComputeRoute {
  /** Loops that the JIT compiler vectorises by itself. */
  PLAIN,
  /** The Vector API; needs {@code --add-modules jdk.incubator.vector}. */
  VECTOR;

  private static final Logger LOGGER = System.getLogger(ComputeRoute.class.getName());

  /** Returns whether this route is open in this JVM. */
  public boolean available() {
    return this == PLAIN || ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  /** Returns the best route of this JVM: chosen once, said once. */
  public static ComputeRoute best() {
    return Choice.BEST;
  }

  /** Holds the choice so that it is made, and logged, at first use. */
  private static final class Choice {
    static final ComputeRoute BEST = choose();

    private static ComputeRoute choose() {
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
