package org.retention4j.train.run;

/**
 * A run that went wrong by its own numbers and was stopped: the message names the step, what, and
 * the rate. The last checkpoint stays.
 *
 * @since 0.1
 */
public final class DivergedException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  DivergedException(String message) {
    super(message);
  }
}
