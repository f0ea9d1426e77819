package org.retention4j.snapshot;

import java.io.IOException;

/**
 * A snapshot that cannot be taken, and why. What was to take it is as it was before.
 *
 * @since 0.1
 */
public final class SnapshotException extends IOException {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /** Why a snapshot is refused. */
  public enum Reason {
    /** It is cut off, or bytes are not those that were written; or it is no snapshot at all. */
    DAMAGED,
    /** It holds more than the reader allows. */
    TOO_LARGE,
    /** It was written in a version of the format that this reader does not know. */
    VERSION,
    /** It is that of another model: other weights, or another configuration. */
    OTHER_MODEL,
    /** It holds something else: a state where a session is read, say, or another shape. */
    OTHER_KIND
  }

  /** Says why. */
  public SnapshotException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Returns why. */
  public Reason reason() {
    return reason;
  }

  static SnapshotException damaged(String message) {
    return new SnapshotException(Reason.DAMAGED, message);
  }
}
