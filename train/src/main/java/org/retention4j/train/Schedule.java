package org.retention4j.train;

/**
 * The learning rate over the steps, as a factor of its largest value.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Schedule {
  /**
   * Returns the factor of a step.
   *
   * @param step from 1
   * @return 0…1
   */
  double factor(long step);

  /** Returns the same factor for every step. */
  static Schedule constant() {
    return step -> 1;
  }
}
