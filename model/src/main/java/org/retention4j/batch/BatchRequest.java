package org.retention4j.batch;

import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.Snapshot;

/**
 * A sequence that is to be read and continued.
 *
 * @param start whose first row it goes on from, to be left open until the sequence has ended; empty
 *     begins anew
 * @param seen the tokens that were read before, for the repetition penalty and for text that begins
 *     within a word; not read again, and not to be changed
 * @param prompt tokens that are read first, at least one unless the start has seen some; not to be
 *     changed
 * @param options how it is continued; 0 tokens only reads the prompt
 * @param keep whether its state is wanted at the end: behind all tokens but one that stopped it,
 *     and but the last where a cache is full
 * @since 0.1
 */
public record BatchRequest(
    Optional<Snapshot> start, int[] seen, int[] prompt, GenerationOptions options, boolean keep) {
  private static final int[] NONE = {};

  /** Checks that nothing is missing. */
  public BatchRequest {
    Args.present("a start", start);
    Args.present("the tokens before", seen);
    Args.present("a prompt", prompt);
    Args.present("options", options);
    if (prompt.length == 0 && (start.isEmpty() || start.get().position(0) == 0)) {
      throw new IllegalArgumentException("expected a prompt of at least 1 token, got none");
    }
  }

  /** Returns a text that begins with a prompt. */
  public static BatchRequest of(int[] prompt, GenerationOptions options) {
    return new BatchRequest(Optional.empty(), NONE, prompt, options, false);
  }

  /** Returns the same from where a snapshot's first row stands. */
  public BatchRequest from(Snapshot value, int[] tokens) {
    return new BatchRequest(Optional.of(value), tokens, prompt, options, keep);
  }

  /** Returns the same, whose state is wanted at the end. */
  public BatchRequest kept() {
    return new BatchRequest(start, seen, prompt, options, true);
  }
}
