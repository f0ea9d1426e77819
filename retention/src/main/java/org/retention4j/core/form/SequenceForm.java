package org.retention4j.core.form;

/**
 * A way to take the tokens of a sequence: all at once, chunk by chunk, one after the other. The
 * results are equal to rounding whatever form is taken, and any part of a sequence may be taken in
 * another.
 *
 * <p>Forms that are equal by {@code equals} share what is prepared for them, so a form should be a
 * record of its settings.
 *
 * @since 0.1
 */
public interface SequenceForm {
  /** Returns the name that reports show. */
  String name();

  /** Returns into which micro-batches a sequence may be cut, so that buffers stay small. */
  MicroBatches microBatches();
}
