package org.retention4j.engine.ops;

import org.apache.commons.numbers.gamma.Erfc;

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
  RELU,
  /** 1 / (1 + e^(−x)). */
  SIGMOID;

  /** Returns the function at x, in double. */
  public double at(double x) {
    return switch (this) {
      case NONE -> x;
      case SILU -> x / (1 + Math.exp(-x));
      case GELU -> x * 0.5 * Erfc.value(-x / Math.sqrt(2));
      case RELU -> Math.max(x, 0);
      case SIGMOID -> 1 / (1 + Math.exp(-x));
    };
  }

  /** Returns the derivative at x, in double; 0 at a kink. */
  public double slope(double x) {
    return switch (this) {
      case NONE -> 1;
      case SILU -> {
        double s = SIGMOID.at(x);
        yield s * (1 + x * (1 - s));
      }
      case GELU ->
          0.5 * Erfc.value(-x / Math.sqrt(2)) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      case RELU -> x > 0 ? 1 : 0;
      case SIGMOID -> {
        double s = SIGMOID.at(x);
        yield s * (1 - s);
      }
    };
  }
}
