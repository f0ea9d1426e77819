package org.retention4j.bench.sessions;

import org.retention4j.bench.measure.Sampler;

/**
 * How much is measured of sessions.
 *
 * @param rounds samples of each contender, at least 2
 * @param warmUpSeconds at most, for each scene
 * @param clients that a batch serves at once
 * @param turns how often each of them comes, where they come again
 * @param promptTokens of the prompt whose beginning is cached
 * @param wide whether the models of snapshots and drafts have their full size, some hundred
 *     megabytes; else a small part of it
 */
public record SessionEffort(
    int rounds, double warmUpSeconds, int clients, int turns, int promptTokens, boolean wide) {
  /** Four minutes. */
  public static final SessionEffort FULL = new SessionEffort(9, 6, 64, 4, 8192, true);

  /** One minute. */
  public static final SessionEffort QUICK = new SessionEffort(3, 2, 64, 2, 8192, true);

  /** Checks the counts. */
  public SessionEffort {
    if (rounds < 2 || clients < 1 || turns < 1 || promptTokens < 2 * PrefixScene.REST) {
      throw new IllegalArgumentException(
          "expected at least 2 rounds, 1 client, 1 turn and a prompt of "
              + 2 * PrefixScene.REST
              + " tokens, got "
              + rounds
              + ", "
              + clients
              + ", "
              + turns
              + ", "
              + promptTokens);
    }
  }

  Sampler.Plan plan() {
    return new Sampler.Plan(warmUpSeconds, rounds, 1);
  }

  /** Of what takes seconds. */
  Sampler.Plan fewer() {
    return new Sampler.Plan(0, Math.max(2, rounds / 3), 1);
  }
}
