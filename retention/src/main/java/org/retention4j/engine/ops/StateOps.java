package org.retention4j.engine.ops;

/**
 * Reads and advances the state of one head of one sequence.
 *
 * @since 0.1
 */
public interface StateOps {
  /** dst ← S; pending tokens of the state are folded first. */
  void read(HeadState state, Tile dst);

  /**
   * S ← e^g·S + update, with the digits of e^g kept as {@link StateDecay} says.
   *
   * @param logDecay g ≤ 0
   * @param mirror receives the new S as well, or null
   */
  void decayAndAdd(HeadState state, double logDecay, Tile update, Tile mirror);

  /** S ← e^g·S + kᵀv for one token; may be kept pending inside the state. */
  void append(
      HeadState state, double logDecay, RowView k, RowView v, int batch, long token, int kvHead);

  /** out ← scale·q S for one token. */
  void readout(
      HeadState state, double scale, RowView q, RowView out, int batch, long token, int head);
}
