package org.retention4j.internal.linear;

import org.retention4j.internal.lanes.LaneScratch;

/** Some columns of a product's result: the part that one lane computes. */
public interface BlockMatMul {
  /** Computes them. */
  void run(LaneScratch scratch);

  /** Returns the implementation, as oneDNN or the Vector API's kernels name it. */
  String implementation();
}
