package org.retention4j.core;

/**
 * A computation bound to its state, to arrays that it reads and to one that it writes: each {@link
 * #step()} advances the state over the tokens that stand in them now, and allocates nothing. Used
 * by one thread at a time.
 *
 * @since 0.1
 */
public interface BoundSequence extends AutoCloseable {
  /**
   * Advances the state over the tokens now in the input and writes the outputs; padded tokens give
   * 0. Many tokens of a block are computed in micro-batches, between which other threads have their
   * turn.
   *
   * @throws IllegalArgumentException if the state or an array is closed or a log decay is not
   *     finite and ≤ 0; the state is then as it was
   * @throws IllegalStateException after close, or if an earlier call left the state half advanced
   * @throws java.util.concurrent.CancellationException if the thread is interrupted, between two
   *     micro-batches: the state's positions and the outputs have those before; the interrupt
   *     status is kept
   */
  void step();

  /** Returns the implementation of the products, as oneDNN names it. */
  String implementation();

  /** Frees what the binding needs; state and arrays stay. Closing twice does no harm. */
  @Override
  void close();
}
