package org.retention4j.engine.ops;

/**
 * A matrix product bound to its operands; running it allocates nothing.
 *
 * @since 0.1
 */
public interface Product {
  /** Computes the product on the lane it was prepared for. */
  void run();

  /** Returns the implementation that computes it, as oneDNN names it. */
  String implementation();
}
