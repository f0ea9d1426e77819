package org.retention4j.train.pass.attention;

import org.retention4j.train.pass.Segment;

/**
 * Who sees whom in B rows of T tokens: a token sees itself and those before it in its sequence that
 * a window shows.
 */
final class Sight {
  private final int batch;
  private final int tokens;
  private final int window;

  /** (B·T) first tokens of the sequences that tokens belong to. */
  private final int[] starts;

  /**
   * Makes room.
   *
   * @param window how many tokens a token sees at most, itself included
   */
  Sight(int batch, int tokens, int window) {
    this.batch = batch;
    this.tokens = tokens;
    this.window = window;
    starts = new int[batch * tokens];
  }

  /** Takes the sequences of a segment; the first of a row begins with it. */
  void take(Segment segment) {
    for (int b = 0; b < batch; b++) {
      int start = 0;
      for (int t = 0; t < tokens; t++) {
        start = segment.starts().at(b, t) ? t : start;
        starts[row(b, t)] = start;
      }
    }
  }

  /** Returns T. */
  int tokens() {
    return tokens;
  }

  /** Returns the row of a tile (B·T,…) in which a token lies. */
  int row(int b, int token) {
    return b * tokens + token;
  }

  /** Returns the position in its sequence of the token in a row of a tile. */
  int position(int row) {
    return row % tokens - starts[row];
  }

  /** Returns the first token that a token sees. */
  int first(int b, int token) {
    return Math.max(starts[row(b, token)], token + 1 - window);
  }
}
