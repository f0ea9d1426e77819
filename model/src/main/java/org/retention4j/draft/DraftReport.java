package org.retention4j.draft;

/**
 * How well guessing went.
 *
 * @param tokens that were taken
 * @param passes of the model over several tokens, for one or more of them
 * @param steps of the model over one token, where nothing was guessed
 * @param proposed tokens that a draft guessed
 * @param accepted tokens that were as guessed
 * @param nanos that all of it took, in nanoseconds: drafts, passes and steps
 * @since 0.1
 */
public record DraftReport(
    long tokens, long passes, long steps, long proposed, long accepted, long nanos) {
  /** Returns the share of guesses that were right, 0…1; 0 without guesses. */
  public double acceptedRate() {
    return proposed == 0 ? 0 : (double) accepted / proposed;
  }

  /** Returns the tokens per second. */
  public double tokensPerSecond() {
    return nanos == 0 ? 0 : tokens * 1e9 / nanos;
  }
}
