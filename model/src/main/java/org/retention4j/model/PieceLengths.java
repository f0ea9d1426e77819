package org.retention4j.model;

/** The piece lengths that bindings are made for: few, so that they are found again. */
final class PieceLengths {
  private static final int STEP = 64;

  private PieceLengths() {}

  /** Returns the next power of two up to 64, then the next multiple of 64. */
  static int roundUp(int tokens) {
    if (tokens <= STEP) {
      return tokens <= 1 ? 1 : Integer.highestOneBit(tokens - 1) << 1;
    }
    return (tokens + STEP - 1) / STEP * STEP;
  }
}
