package org.retention4j.engine.ops;

/**
 * A piece of parallel work. Make it once and run it often: running allocates nothing.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface LaneTask {
  /**
   * Does part {@code index} on {@code lane}; parts run in any order and must not depend on one
   * another.
   */
  void run(Lane lane, int index);
}
