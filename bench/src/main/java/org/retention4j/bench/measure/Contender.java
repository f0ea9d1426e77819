package org.retention4j.bench.measure;

/**
 * Something that is timed.
 *
 * @param name for messages
 * @param prepare runs before each timed run, outside the clock
 * @param run what the clock sees
 */
public record Contender(String name, Runnable prepare, Runnable run) {
  /** Needs no preparation. */
  public Contender(String name, Runnable run) {
    this(name, () -> {}, run);
  }
}
