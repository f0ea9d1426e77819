package org.retention4j.batch;

import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.cache.PrefixCacheOptions;
import org.retention4j.model.SessionOptions;

/**
 * How large a batch may become.
 *
 * @param sequences the most that are read and continued at once; states for so many are held all
 *     the time, those of up to 8 more once prompts were read together, and while prompts are read
 *     one for each
 * @param waiting the most that wait for a place; one more is refused
 * @param promptTokens about how many tokens of prompts are read between two steps of those who
 *     write: what they wait for newcomers is bounded by it. Prompts are cut where their form lets
 *     them be cut, so that more are read where its chunks are longer
 * @param session how sequences are computed, and what their caches may hold
 * @param prefixes what is kept of the beginnings of prompts, so that they are not read again; empty
 *     for nothing. Prompts without a start are read in its pieces then, multiples of where their
 *     form lets them be cut
 * @since 0.1
 */
public record BatchOptions(
    int sequences,
    int waiting,
    int promptTokens,
    SessionOptions session,
    Optional<PrefixCacheOptions> prefixes) {
  /** 16 sequences, 64 that wait, 128 tokens between steps, no prefix cache. */
  public static final BatchOptions DEFAULT =
      new BatchOptions(16, 64, 128, SessionOptions.DEFAULT, Optional.empty());

  /** Tokens of a piece of {@link #withPrefixBytes}. */
  private static final int PIECE = 128;

  /** Checks the ranges. */
  public BatchOptions {
    Args.present("options of a session", session);
    Args.present("optional options of a prefix cache", prefixes);
    if (sequences < 1) {
      throw new IllegalArgumentException("expected sequences >= 1, got " + sequences);
    }
    if (waiting < 0) {
      throw new IllegalArgumentException("expected waiting >= 0, got " + waiting);
    }
    if (promptTokens < 1) {
      throw new IllegalArgumentException("expected promptTokens >= 1, got " + promptTokens);
    }
  }

  /** Returns the same for another number of sequences. */
  public BatchOptions withSequences(int value) {
    return new BatchOptions(value, waiting, promptTokens, session, prefixes);
  }

  /** Returns the same with another limit of those who wait. */
  public BatchOptions withWaiting(int value) {
    return new BatchOptions(sequences, value, promptTokens, session, prefixes);
  }

  /** Returns the same with other pieces of prompts. */
  public BatchOptions withPromptTokens(int value) {
    return new BatchOptions(sequences, waiting, value, session, prefixes);
  }

  /** Returns the same with sequences computed otherwise. */
  public BatchOptions withSession(SessionOptions value) {
    return new BatchOptions(sequences, waiting, promptTokens, value, prefixes);
  }

  /** Returns the same with a prefix cache, or without. */
  public BatchOptions withPrefixes(Optional<PrefixCacheOptions> value) {
    return new BatchOptions(sequences, waiting, promptTokens, session, value);
  }

  /** Returns the same with a prefix cache of so many bytes in memory, 0 for none. */
  public BatchOptions withPrefixBytes(long mostBytes) {
    PrefixCacheOptions of = PrefixCacheOptions.DEFAULT.withPiece(PIECE).withMostBytes(mostBytes);
    return withPrefixes(mostBytes == 0 ? Optional.empty() : Optional.of(of));
  }
}
