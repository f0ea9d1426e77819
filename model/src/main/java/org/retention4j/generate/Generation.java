package org.retention4j.generate;

import java.util.List;

/**
 * A generated text.
 *
 * @param text without what ended it
 * @param tokens that were chosen, the one that ended it included
 * @param logProbabilities of each token under the softmax of the unmodified logits
 * @param end why it ended
 * @since 0.1
 */
public record Generation(
    String text, List<Integer> tokens, List<Double> logProbabilities, End end) {
  /** Why a text ended. */
  public enum End {
    /** The limit of tokens was reached. */
    MAX_TOKENS,
    /** The cache of an attention layer has reached its limit. */
    CACHE_FULL,
    /** A stop token was chosen. */
    STOP_TOKEN,
    /** A stop string came, or the special token whose text one is. */
    STOP_STRING,
    /** The thread was interrupted, or the generator's own condition says so. */
    CANCELLED
  }

  /** Copies the lists. */
  public Generation {
    tokens = List.copyOf(tokens);
    logProbabilities = List.copyOf(logProbabilities);
  }
}
