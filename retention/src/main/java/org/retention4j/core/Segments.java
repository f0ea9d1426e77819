package org.retention4j.core;

import java.util.Locale;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.StateDecay;

/**
 * Joins states of segments that follow each other: (Γ₁,S₁)⊕(Γ₂,S₂) = (Γ₁+Γ₂, e^Γ₂ S₁ + S₂). Γ is −∞
 * where there was a reset.
 */
final class Segments {
  private Segments() {}

  /** Returns a new state, as if the first had seen next's tokens; both were checked to be whole. */
  static RetentionState join(RetentionState first, RetentionState next) {
    requireJoinable(first, next);
    RetentionState joined = first.copy();
    double[] s1 = new double[first.valueWidth()];
    double[] s2 = new double[first.valueWidth()];
    for (int b = 0; b < first.batch(); b++) {
      for (int h = 0; h < first.heads(); h++) {
        HeadState into = joined.head(b, h);
        into.fold();
        HeadState add = next.head(b, h).copy();
        add.fold();
        double decayOfNext = next.totalDecay(b, h);
        for (int k = 0; k < first.keyWidth(); k++) {
          into.readRow(k, s1);
          add.readRow(k, s2);
          if (decayOfNext == Double.NEGATIVE_INFINITY) {
            into.writeRow(k, s2); // 0·NaN of what a reset dropped is none.
          } else {
            StateDecay.decayAndAdd(s1, decayOfNext, s2);
            into.writeRow(k, s1);
          }
        }
        joined.accumulateDecay(b, h, decayOfNext);
      }
      joined.moveTo(b, next.position(b));
    }
    return joined;
  }

  private static void requireJoinable(RetentionState first, RetentionState next) {
    if (!next.fromZero()) {
      throw new IllegalArgumentException(
          "expected a segment that began from a zero state, got one with an imported history");
    }
    String mine = first.describe();
    String other = next.describe();
    if (!mine.equals(other) || !first.convention().equals(next.convention())) {
      throw new IllegalArgumentException(
          "expected a segment like "
              + mine
              + " "
              + first.convention()
              + ", got "
              + other
              + " "
              + next.convention());
    }
    for (int b = 0; b < first.batch(); b++) {
      if (next.start(b) != first.position(b)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected row %d of the next segment to start at position %d, got %d",
                b,
                first.position(b),
                next.start(b)));
      }
    }
  }
}
