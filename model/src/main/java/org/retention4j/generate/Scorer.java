package org.retention4j.generate;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleConsumer;
import org.retention4j.args.Args;
import org.retention4j.model.Session;
import org.retention4j.text.NonFiniteLogitsException;

/**
 * Scores a text of any length token by token, at a memory that does not grow with it (but for the
 * caches of attention layers).
 *
 * @since 0.1
 */
public final class Scorer {
  private static final int PIECE = 512;

  private final Session session;
  private final BooleanSupplier cancelled;
  private double sum;
  private long count;
  private double[] before;

  /** Begins a text in a new session of one sequence, which stays the caller's. */
  public Scorer(Session session) {
    this(session, () -> false);
  }

  /**
   * Begins a text that is given up on a condition.
   *
   * @param cancelled is asked before each piece of at most {@value #PIECE} tokens
   */
  public Scorer(Session session, BooleanSupplier cancelled) {
    this.cancelled = Args.present("a condition", cancelled);
    this.session = Args.present("a session", session);
    if (session.batch() != 1) {
      throw new IllegalArgumentException(
          "expected a session of one sequence, got one of " + session.batch());
    }
  }

  /**
   * Reads on.
   *
   * @param each receives the natural logarithm of each token's probability after all tokens before
   *     it; the text's first token has none
   * @throws IllegalArgumentException for a token outside the vocabulary or more tokens than a cache
   *     may hold; nothing was read or scored then
   * @throws NonFiniteLogitsException if the model gives no numbers
   * @throws CancellationException if the thread is interrupted, or the condition of this scorer
   *     says so, before the next piece of tokens; the interrupt status is kept. What was scored
   *     counts, the session's position tells how many tokens were read, and the rest can be given
   *     later
   */
  public void accept(int[] tokens, DoubleConsumer each) {
    Args.present("tokens", tokens);
    Args.present("a listener to scores", each);
    int vocabulary = session.model().config().vocabulary();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "expected tokens in 0.." + (vocabulary - 1) + ", the vocabulary, got " + token);
      }
    }
    long room = session.room(0);
    if (tokens.length > room) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at most %d tokens of a text, the cache's limit, got %d",
              session.position(0) + room,
              session.position(0) + tokens.length));
    }
    for (int from = 0; from < tokens.length; from += PIECE) {
      if (Thread.currentThread().isInterrupted() || cancelled.getAsBoolean()) {
        throw new CancellationException(
            "cancelled after " + from + " of " + tokens.length + " tokens: the session has these");
      }
      acceptPiece(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + PIECE)), each);
    }
  }

  private void acceptPiece(int[] tokens, DoubleConsumer each) {
    double[] first = before;
    double[] kept = new double[session.model().config().vocabulary()];
    int[] next = {0};
    long start = session.position(0);
    before = null; // until all is read: what a callback ends has been read in part
    try {
      session.append(
          new int[][] {tokens},
          (row, position, logits) -> {
            if (next[0] == 0 && first != null) {
              note(first, tokens[0], each);
            }
            next[0]++;
            if (next[0] < tokens.length) {
              note(logits, tokens[next[0]], each);
            } else {
              System.arraycopy(logits, 0, kept, 0, kept.length);
            }
          });
      before = kept;
    } catch (CancellationException e) {
      if (session.position(0) == start) {
        before = first;
      }
      throw e;
    }
  }

  private void note(double[] logits, int token, DoubleConsumer each) {
    double max = Arrays.stream(logits).max().orElse(0);
    if (!Double.isFinite(max)) {
      throw new NonFiniteLogitsException(max, "for the text's token " + (count + 1));
    }
    double exponentials = 0;
    for (double logit : logits) {
      exponentials += Math.exp(logit - max);
    }
    double logProbability = logits[token] - max - Math.log(exponentials);
    sum += logProbability;
    count++;
    each.accept(logProbability);
  }

  /** Returns how many tokens were scored: all but the first. */
  public long count() {
    return count;
  }

  /** Returns the mean of −ln p over the tokens scored, NaN before the first. */
  public double meanLoss() {
    return -sum / count;
  }

  /** Returns e to the mean of −ln p. */
  public double perplexity() {
    return Math.exp(meanLoss());
  }
}
