package org.retention4j.core.form;

/**
 * Advances heads on the lane it was prepared for.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface HeadKernel {
  /**
   * Writes the outputs of all tokens of the slice and takes its state to the last of them. Called
   * with at least one token; allocates nothing.
   */
  void advance(HeadSlice slice);
}
