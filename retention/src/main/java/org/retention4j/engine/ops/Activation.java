package org.retention4j.engine.ops;

/**
 * What is applied to the outputs of a projection.
 *
 * @since 0.1
 */
public enum Activation {
  /** Nothing. */
  NONE,
  /** silu(x) = x / (1 + e^(−x)), also called swish. */
  SILU,
  /** gelu(x) = x/2 · (1 + erf(x/√2)), the exact form. */
  GELU,
  /** max(x, 0). */
  RELU
}
