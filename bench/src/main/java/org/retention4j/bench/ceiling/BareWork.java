package org.retention4j.bench.ceiling;

/** A bare piece of work that shows what the machine can do, ready to run. */
public interface BareWork extends AutoCloseable {
  /** Returns how it works, for reports. */
  String name();

  /** Returns the FLOPs or bytes of a run. */
  double amount();

  /** Runs on one thread or on all. */
  void run(boolean allThreads);

  /** Returns whether running it on one thread can tell anything. */
  default boolean worksAlone() {
    return true;
  }

  @Override
  void close();
}
