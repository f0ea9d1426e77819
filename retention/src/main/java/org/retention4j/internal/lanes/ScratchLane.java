package org.retention4j.internal.lanes;

import org.retention4j.engine.ops.Lane;

/** A lane whose room the products with weights work in. */
public interface ScratchLane extends Lane {
  /** Returns its room. */
  LaneScratch scratch();
}
