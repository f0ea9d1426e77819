package org.retention4j.model.mixer;

import org.retention4j.core.Resets;

/**
 * A mixer bound to its tiles; running it allocates nothing once it has seen its longest run.
 *
 * @since 0.1
 */
public interface MixerPlan extends AutoCloseable {
  /**
   * Refuses what {@link #run} would refuse, also for more tokens than one run takes, and a state of
   * a larger batch.
   *
   * @param counts tokens of each row, at least B of them
   * @throws IllegalArgumentException if the state is of another mixer, closed or too small
   */
  void check(MixerState state, int[] counts);

  /**
   * Advances a state over the tokens in x and writes y.
   *
   * @param state made by the same mixer, of the bound batch B or a larger one, whose first B rows
   *     go on then
   * @param counts tokens of each row, 0…N, and 0 behind the first B; outputs of other tokens are
   *     undefined
   * @throws IllegalArgumentException if the state is of another mixer, closed or too small; it is
   *     untouched then
   */
  default void run(MixerState state, int[] counts) {
    run(state, counts, Resets.none(), 0);
  }

  /**
   * The same where sequences begin inside rows: a token behind a reset sees nothing from before it,
   * and positions begin again. The state is that of each row's last sequence then.
   *
   * @param resets of the rows that this piece is part of
   * @param first the index of the piece's token 0 in these rows
   */
  void run(MixerState state, int[] counts, Resets resets, int first);

  /** Returns the implementation of the products, as oneDNN names it. */
  String implementation();

  @Override
  void close();
}
