package org.retention4j.checkpoint.format;

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

  /** Says what was expected and what came, and why. */
  public CheckpointException(String message, Throwable cause) {
    super(Shown.message(message), cause);
  }
}
