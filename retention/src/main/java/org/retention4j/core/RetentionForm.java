package org.retention4j.core;

import org.retention4j.engine.Lane;

/**
 * One arrangement of the retention recurrence (parallel, recurrent or chunkwise): how the tokens of
 * one head of one sequence are taken from the incoming state to the outgoing one.
 *
 * <p>A form sees one head at a time; batches, heads, lengths, threads, checks and memory are the
 * business of {@link Retention} and {@link MultiScaleRetention}. Forms that are equal by {@code
 * equals} share what they prepare, so a form should be a record of its settings.
 */
public interface RetentionForm {
  /** Returns the name that reports show. */
  String name();

  /**
   * Makes what this form needs on one lane; called once per lane and head shape.
   *
   * @param lane where tiles and products are made, and the only lane the result runs on
   * @param keyWidth K
   * @param valueWidth V
   */
  HeadKernel prepare(Lane lane, int keyWidth, int valueWidth);

  /**
   * Returns into pieces of how many tokens a block may cut a sequence of T tokens, so that its
   * buffers stay small; at least 1.
   *
   * @param tokens T
   */
  int pieceLength(int tokens);

  /** Advances heads on the lane it was prepared for. */
  @FunctionalInterface
  interface HeadKernel {
    /**
     * Writes the outputs of all tokens of the pass and takes its state to the last of them. Called
     * with at least one token; allocates nothing.
     */
    void advance(HeadPass pass);
  }
}
