package org.retention4j.model.mixer;

/**
 * The bytes of one sequence's state at a length.
 *
 * @param fixed what does not depend on the length
 * @param cache keys and values that the next token sees
 * @param heldCache the most that is held for them, in whole blocks
 * @since 0.1
 */
public record StateSize(long fixed, double cache, double heldCache) {
  /** Nothing. */
  public static final StateSize NONE = new StateSize(0, 0, 0);

  /** Returns both together. */
  public StateSize plus(StateSize other) {
    return new StateSize(fixed + other.fixed, cache + other.cache, heldCache + other.heldCache);
  }
}
