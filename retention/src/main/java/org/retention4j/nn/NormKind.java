package org.retention4j.nn;

/**
 * How a norm makes the size of a row one.
 *
 * @since 0.1
 */
public enum NormKind {
  /** x / √(mean(x²) + eps). */
  RMS,
  /** (x − mean(x)) / √(variance(x) + eps). */
  LAYER
}
