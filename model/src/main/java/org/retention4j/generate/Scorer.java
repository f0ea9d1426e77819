package org.retention4j.generate;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleConsumer;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;
import org.retention4j.model.Session;
import org.retention4j.text.NonFiniteLogitsException;

/**
 * Scores a text of any length token by token, at a memory that does not grow with it (but for the
 * caches of attention layers), or many short texts, several in each row.
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

  /** Whether the next token is the first of a text though the session has seen others. */
  private boolean begins;

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
    check(tokens, begins ? 0 : session.position(0));
    for (int from = 0; from < tokens.length; from += PIECE) {
      refuseCancelled("after " + from + " of " + tokens.length + " tokens: the session has these");
      acceptPiece(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + PIECE)), each);
    }
  }

  /**
   * Reads whole texts, many in one row where they are short: several times faster than one by one,
   * and each gets the numbers that it gets alone, in a float64 engine to the bit. What this scorer
   * was reading is dropped, and what {@link #accept} reads afterwards is a text of its own.
   *
   * @param texts tokens of each; of a text of fewer than two nothing is scored
   * @param each receives the scores of one text after the other, as {@link #accept} gives them
   * @throws IllegalArgumentException as {@link #accept}; nothing was read or scored then
   * @throws NonFiniteLogitsException if the model gives no numbers
   * @throws CancellationException as {@link #accept}, before the next row; the scores that {@code
   *     each} received count
   */
  public void acceptTexts(int[][] texts, DoubleConsumer each) {
    Args.present("texts", texts);
    Args.present("a listener to scores", each);
    for (int i = 0; i < texts.length; i++) {
      Args.present("tokens of text " + i, texts[i]);
      try {
        check(texts[i], 0);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(e.getMessage() + ", in text " + i, e);
      }
    }
    int grid = session.options().prefill().microBatches().multiple();
    TextRows rows = new TextRows(PIECE, grid);
    for (int i = 0; i < texts.length; i++) {
      if (rows.fits(texts[i])) {
        if (rows.full()) {
          score(rows, each);
        }
        rows.add(texts[i]);
      } else {
        score(rows, each);
        beginAnew();
        accept(texts[i], each);
      }
    }
    score(rows, each);
  }

  private void beginAnew() {
    before = null;
    begins = true;
  }

  private void score(TextRows rows, DoubleConsumer each) {
    beginAnew();
    double[] scores = new double[rows.scores()];
    for (TextRows.Row row : rows.rows()) {
      refuseCancelled("before texts that were not given yet");
      int[] at = {0};
      session.appendPacked(
          new int[][] {row.tokens()},
          row.resets(),
          (b, position, logits) -> {
            int t = at[0]++;
            int score = row.score(t);
            if (score >= 0) {
              scores[score] = logProbability(logits, row.next(t), count + score + 1);
            }
          });
    }
    rows.clear();
    for (double score : scores) {
      give(score, each);
    }
  }

  private void check(int[] tokens, long behind) {
    int vocabulary = session.model().config().vocabulary();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "expected tokens in 0.." + (vocabulary - 1) + ", the vocabulary, got " + token);
      }
    }
    long most = session.position(0) + session.room(0);
    if (behind + tokens.length > most) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at most %d tokens of a text, the cache's limit, got %d",
              most,
              behind + tokens.length));
    }
  }

  private void refuseCancelled(String where) {
    if (Thread.currentThread().isInterrupted() || cancelled.getAsBoolean()) {
      throw new CancellationException("cancelled " + where);
    }
  }

  private void acceptPiece(int[] tokens, DoubleConsumer each) {
    double[] first = before;
    double[] kept = new double[session.model().config().vocabulary()];
    int[] next = {0};
    boolean anew = begins;
    before = null; // until all is read: what a callback ends has been read in part
    begins = false;
    try {
      session.appendPacked(
          new int[][] {tokens},
          anew ? Resets.cumulative(new int[] {0, tokens.length}) : Resets.none(),
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
      if (next[0] == 0) {
        before = first;
        begins = anew;
      }
      throw e;
    }
  }

  private void note(double[] logits, int token, DoubleConsumer each) {
    give(logProbability(logits, token, count + 1), each);
  }

  private void give(double logProbability, DoubleConsumer each) {
    sum += logProbability;
    count++;
    each.accept(logProbability);
  }

  private static double logProbability(double[] logits, int token, long place) {
    double max = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      max = Math.max(max, logit);
    }
    if (!Double.isFinite(max)) {
      throw new NonFiniteLogitsException(max, "for the text's token " + place);
    }
    double exponentials = 0;
    for (double logit : logits) {
      exponentials += Math.exp(logit - max);
    }
    return logits[token] - max - Math.log(exponentials);
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
