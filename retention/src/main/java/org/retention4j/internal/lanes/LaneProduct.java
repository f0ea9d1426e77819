package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Lane;

/** A product of tiles that runs on any lane, in whose room it works; on one at a time. */
public interface LaneProduct {
  /** Computes the product; allocates nothing once the lane has the room. */
  void run(Lane lane);

  /** Returns the implementation that computes it, as oneDNN names it. */
  String implementation();
}
