package org.retention4j.engine;

/** A piece of parallel work. Make it once and run it often: running allocates nothing. */
@FunctionalInterface
public interface LaneTask {
  /**
   * Does part {@code index} on {@code lane}; parts run in any order and must not depend on one
   * another.
   */
  void run(Lane lane, int index);
}
