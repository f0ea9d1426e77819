package org.retention4j.engine;

/** What is applied to the outputs of a projection. */
public enum Activation {
  /** Nothing. */
  NONE,
  /** silu(x) = x / (1 + e^(−x)), also called swish. */
  SILU
}
