package org.retention4j.engine.ops;

import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The lanes of an engine: they share out the parts of one task at a time.
 *
 * @since 0.1
 */
public interface Lanes {
  /** A piece of parallel work. Make it once and run it often: running allocates nothing. */
  @FunctionalInterface
  interface Task {
    /**
     * Does part {@code index} on {@code lane}; parts run in any order and must not depend on one
     * another.
     */
    void run(Lane lane, int index);
  }

  /** Returns the number of lanes. */
  int threads();

  /**
   * Runs parts 0…parts−1 of a task on all lanes and returns when all are done. What a part throws
   * is thrown here, once no part runs any more.
   *
   * @throws IllegalStateException after the engine was closed, or from within a call of an engine
   */
  void run(int parts, Task task);

  /**
   * Runs work that other threads' calls must not come between: a step of several tasks is not torn
   * by somebody who closes its weights. Within it the same thread may run tasks and more such work;
   * a virtual thread waits while another thread runs it.
   *
   * @throws IllegalStateException from within a call of an engine: a form's kernel may call none
   */
  void exclusively(Runnable work);

  /**
   * Returns what {@code make} gives for each lane, made at the first call for this key and kept
   * until the engine closes. Threads that ask first at the same time may each make it; they get the
   * same.
   */
  <T> T[] perLane(Object key, Function<Lane, T> make, T[] empty);

  /**
   * Returns what {@code make} gives where one OpenMP thread is set, as oneDNN's primitives must be
   * made.
   */
  <T> T withOneThread(Supplier<T> make);
}
