package org.retention4j.model;

import org.retention4j.args.Args;

/**
 * How a snapshot is read, and what its session is like.
 *
 * @param session how it computes, and what its caches may hold
 * @param mostBytes a longer snapshot is refused, before memory is taken for it
 * @since 0.1
 */
public record RestoreOptions(SessionOptions session, long mostBytes) {
  /** Sessions as by default, of any length. */
  public static final RestoreOptions DEFAULT =
      new RestoreOptions(SessionOptions.DEFAULT, Long.MAX_VALUE);

  /** Checks them. */
  public RestoreOptions {
    Args.present("options of a session", session);
    if (mostBytes < 0) {
      throw new IllegalArgumentException("expected a limit >= 0, got " + mostBytes);
    }
  }

  /** Returns the same with other options of the session. */
  public RestoreOptions withSession(SessionOptions value) {
    return new RestoreOptions(value, mostBytes);
  }

  /** Returns the same with a limit in bytes. */
  public RestoreOptions withMostBytes(long value) {
    return new RestoreOptions(session, value);
  }
}
