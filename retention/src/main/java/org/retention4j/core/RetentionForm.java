package org.retention4j.core;

import org.retention4j.engine.Lane;
import org.retention4j.nn.SequenceForm;

/**
 * One arrangement of the retention recurrence (parallel, recurrent or chunkwise): how the tokens of
 * one head of one sequence are taken from the incoming state to the outgoing one.
 *
 * <p>A form sees one head at a time; batches, heads, lengths, threads, checks and memory are the
 * business of {@link Retention} and {@link MultiScaleRetention}.
 */
public interface RetentionForm extends SequenceForm {
  /**
   * Makes what this form needs on one lane; called once per lane and head shape.
   *
   * @param lane where tiles and products are made, and the only lane the result runs on
   * @param keyWidth K
   * @param valueWidth V
   */
  HeadKernel prepare(Lane lane, int keyWidth, int valueWidth);

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
