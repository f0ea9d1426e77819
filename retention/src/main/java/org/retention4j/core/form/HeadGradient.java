package org.retention4j.core.form;

/**
 * Takes gradients of heads back on the lane it was prepared for.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface HeadGradient {
  /**
   * Adds the gradients of q, k, v and the log decays of all tokens of the slice, and takes the
   * gradient of the state that leaves them to that of the state that came in. Called with at least
   * one token; the slice's state is a copy of the incoming one, to be used as the form likes.
   */
  void backward(HeadSlice slice, GradientSlice gradient);
}
