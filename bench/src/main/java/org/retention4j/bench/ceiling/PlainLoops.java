package org.retention4j.bench.ceiling;

/** Loops that the JIT compiler vectorises by itself. */
final class PlainLoops {
  private PlainLoops() {}

  /** x ← c·x. */
  static void scale(float[] x, float c) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= c;
    }
  }

  /** Returns Σ x; integers, because a sum of floats may not be reordered. */
  static int sum(int[] x) {
    int sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i];
    }
    return sum;
  }
}
