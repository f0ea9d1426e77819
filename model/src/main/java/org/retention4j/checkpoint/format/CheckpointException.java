package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.CancellationException;
import org.retention4j.args.Shown;

/**
 * A file or folder that cannot be read as what it should be; the message says what and where, on
 * one line whatever stands in the file.
 *
 * @since 0.1
 */
public final class CheckpointException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Says what was expected and what came. */
  public CheckpointException(String message) {
    super(Shown.message(message));
  }

  /**
   * Returns the failure of a file, or that the thread was interrupted, at which its channel closes
   * and its interrupt status is kept.
   *
   * @param doing what could not be done, as in "write this file"
   */
  static RuntimeException of(String doing, IOException e) {
    if (e instanceof ClosedByInterruptException) {
      return (CancellationException)
          new CancellationException("interrupted, did not " + doing).initCause(e);
    }
    return new CheckpointException("cannot " + doing + ": " + Shown.reason(e), e);
  }

  /** Says what was expected and what came, and why. */
  public CheckpointException(String message, Throwable cause) {
    super(Shown.message(message), cause);
  }
}
