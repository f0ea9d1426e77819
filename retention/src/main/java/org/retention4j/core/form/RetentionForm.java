package org.retention4j.core.form;

import org.retention4j.engine.ops.Lane;

/**
 * One arrangement of the retention recurrence (parallel, recurrent or chunkwise): how the tokens of
 * one head of one sequence are taken from the incoming state to the outgoing one.
 *
 * <p>A form sees one head at a time; batches, heads, lengths, threads, checks and memory are the
 * business of what surrounds it.
 *
 * @since 0.1
 */
public interface RetentionForm extends SequenceForm {
  /**
   * Returns this form with operands of its products rounded to bf16, as {@link
   * org.retention4j.engine.ops.TileOps#bfloat16} does: faster and less exact. Itself for a form
   * that rounds nothing.
   */
  default RetentionForm bfloat16() {
    return this;
  }

  /**
   * Makes what this form needs on one lane; called once per lane and head shape.
   *
   * @param lane where tiles and products are made, and the only lane the result runs on
   * @param keyWidth K
   * @param valueWidth V
   */
  HeadKernel prepare(Lane lane, int keyWidth, int valueWidth);

  /**
   * Makes what the backward pass of this form needs on one lane; called once per lane and head
   * shape.
   *
   * @throws UnsupportedOperationException if this form has none
   */
  default HeadGradient prepareGradient(Lane lane, int keyWidth, int valueWidth) {
    throw new UnsupportedOperationException("the " + name() + " form has no backward pass");
  }
}
