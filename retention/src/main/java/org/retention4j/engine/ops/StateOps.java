package org.retention4j.engine.ops;

/**
 * Reads and advances the state of one head of one sequence.
 *
 * @since 0.1
 */
public interface StateOps {
  /** S ← 0, with nothing pending and whatever it was: before a token that is reset. */
  void clear(HeadState state);

  /** dst ← S; pending tokens of the state are folded first. */
  void read(HeadState state, Tile dst);

  /**
   * S ← e^g·S + update, with the digits of e^g kept as {@link StateDecay} says.
   *
   * @param logDecay holds g ≤ 0 from index {@code at} on: one number for all K rows of S
   */
  void decayAndAdd(HeadState state, double[] logDecay, int at, Tile update);

  /**
   * Does the same, and writes the new S to a tile as well.
   *
   * @param mirror (K,V)
   */
  void decayAndAdd(HeadState state, double[] logDecay, int at, Tile update, Tile mirror);

  /**
   * S ← e^g·S + kᵀv for one token; may be kept pending inside the state.
   *
   * @param logDecay g ≤ 0: one number for all K rows of S
   */
  void append(
      HeadState state, double[] logDecay, RowView k, RowView v, int batch, long token, int kvHead);

  /** out ← scale·v Sᵀ for one token, pending tokens of the state being folded first. */
  void readoutKeys(
      HeadState state, double scale, RowView v, RowView out, int batch, long token, int head);

  /** out ← scale·q S for one token. */
  void readout(
      HeadState state, double scale, RowView q, RowView out, int batch, long token, int head);
}
