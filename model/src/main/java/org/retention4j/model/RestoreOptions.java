package org.retention4j.model;

import org.retention4j.args.Args;

/**
 * How a snapshot is read, and what its session is like.
 *
 * @param session how it computes, and what its caches may hold
 * @param mostBytes a longer snapshot is refused, before memory is taken for it
 * @param mostRows and so is one of more rows, each of which takes room for logits and in caches
 * @since 0.1
 */
public record RestoreOptions(SessionOptions session, long mostBytes, int mostRows) {
  /** Rows by default. */
  private static final int ROWS = 1 << 12;

  /** Sessions as by default, of any length and up to 4,096 rows. */
  public static final RestoreOptions DEFAULT =
      new RestoreOptions(SessionOptions.DEFAULT, Long.MAX_VALUE, ROWS);

  /** Checks them. */
  public RestoreOptions {
    Args.present("options of a session", session);
    if (mostBytes < 0) {
      throw new IllegalArgumentException("expected a limit >= 0, got " + mostBytes);
    }
    if (mostRows < 1) {
      throw new IllegalArgumentException("expected a limit of rows >= 1, got " + mostRows);
    }
  }

  /** Returns the same with other options of the session. */
  public RestoreOptions withSession(SessionOptions value) {
    return new RestoreOptions(value, mostBytes, mostRows);
  }

  /** Returns the same with a limit in bytes. */
  public RestoreOptions withMostBytes(long value) {
    return new RestoreOptions(session, value, mostRows);
  }

  /** Returns the same with a limit of rows. */
  public RestoreOptions withMostRows(int value) {
    return new RestoreOptions(session, mostBytes, value);
  }
}
