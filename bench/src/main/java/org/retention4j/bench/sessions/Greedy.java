package org.retention4j.bench.sessions;

/** The likeliest token. */
final class Greedy {
  private Greedy() {}

  static int choose(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }
}
