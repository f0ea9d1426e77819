package org.retention4j.engine;

/** A matrix product bound to its operands; running it allocates nothing. */
public interface Product {
  /** Computes the product on the lane it was prepared for. */
  void run();

  /** Returns the implementation that computes it, as oneDNN names it. */
  String implementation();
}
