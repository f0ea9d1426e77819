package org.retention4j.draft;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.retention4j.args.Args;
import org.retention4j.model.Session;

/**
 * A session of one sequence that takes one token after the other, as {@link Session#step} does, and
 * reads ahead what a draft guesses: one pass over a few tokens costs little more than one step,
 * where reading the weights is what takes the time. Whoever chooses the tokens does not see it.
 *
 * <p><b>What is guaranteed.</b> The logits after each token are those of the session itself, of a
 * pass over several tokens in its form for decoding. They are equal to those of single steps to the
 * bit, and so are the tokens that are chosen by them, in a float64 engine; and in fp32 for models
 * of retention layers whose weights are bf16 and multiplied by the Vector API. There sums do not
 * depend on the rows beside them. Elsewhere they are equal to rounding: a greedy choice is another
 * one only where two logits are nearer to each other than that.
 *
 * <p>A wrong guess is undone by coming back to a mark; the tokens since then that were right are
 * read again with the next pass. For one thread; allocates a pass's tokens and a mark.
 *
 * @since 0.1
 */
public final class DraftedSession implements AutoCloseable {
  /** As many tokens of a pass as int8 weights multiply without rounding them. */
  public static final int DEFAULT_ROWS = 4;

  private static final int MOST_ROWS = 16;

  private final Session session;
  private final Draft draft;
  private final int rows;
  private final double[][] logits;
  private final int[] guesses;

  /** The tokens of the last pass: those that are certain, then guesses. */
  private int[] pass = {};

  private int certain;

  /** Guesses of the pass that came true so far. */
  private int come;

  /** Where the session stood before the pass, while guesses of it are open. */
  private Session.Mark mark;

  /** How many are guessed at once: fewer after wrong guesses. */
  private int ahead;

  private long tokens;
  private long passes;
  private long steps;
  private long proposed;
  private long accepted;
  private long nanos;
  private boolean closed;

  /** Set while the session is led back and reads on: if that fails, guesses mean nothing. */
  private boolean torn;

  /**
   * Goes on from where a session stands. Session and draft stay the caller's; the session is not to
   * be used until this is closed, and stands behind the tokens taken then.
   *
   * @param seen the text so far, for the draft
   * @param rows of a pass at most, 2…16: {@value #DEFAULT_ROWS} are right for all weights; int8
   *     weights round what they multiply where there are more
   * @throws IllegalArgumentException for a session of several sequences, or one that rounds prompts
   *     to bf16
   */
  public DraftedSession(Session session, Draft draft, int[] seen, int rows) {
    this.session = Args.present("a session", session);
    this.draft = Args.present("a draft", draft);
    if (session.batch() != 1) {
      throw new IllegalArgumentException(
          "expected a session of one sequence, got one of " + session.batch());
    }
    if (session.options().bfloat16Prefill()) {
      throw new IllegalArgumentException(
          "expected a session that does not round to bf16 what it multiplies, got one that does");
    }
    if (rows < 2 || rows > MOST_ROWS) {
      throw new IllegalArgumentException("expected 2.." + MOST_ROWS + " rows, got " + rows);
    }
    this.rows = rows;
    draft.accept(Args.present("the text so far", seen));
    logits = new double[rows][session.model().config().vocabulary()];
    guesses = new int[rows - 1];
    ahead = guesses.length;
  }

  /** Returns the number of tokens of its model. */
  public int vocabulary() {
    return logits[0].length;
  }

  /**
   * Returns how many tokens more it may take; under a window fewer while guesses are open, for the
   * tokens that a mark needs are kept.
   */
  public long room() {
    requireOpen();
    return session.room(0) + open();
  }

  /** Returns the number of tokens of its sequence. */
  public long position() {
    requireOpen();
    return session.position(0) - open();
  }

  /** Returns the guesses that were read and have not come true. */
  private int open() {
    return pass.length - certain - come;
  }

  /**
   * Copies the logits after the last token.
   *
   * @param into at least the vocabulary long
   */
  public void logits(float[] into) {
    requireOpen();
    if (pass.length == 0) {
      session.logits(0, into);
      return;
    }
    double[] row = logits[certain + come - 1];
    if (into.length < row.length) {
      throw new IllegalArgumentException(
          "expected room for " + row.length + " logits, got " + into.length);
    }
    for (int i = 0; i < row.length; i++) {
      into[i] = (float) row[i];
    }
  }

  /** Copies the logits after the last token, widened; see {@link #logits(float[])}. */
  public void logits(double[] into) {
    requireOpen();
    if (pass.length == 0) {
      session.logits(0, into);
    } else {
      System.arraycopy(logits[certain + come - 1], 0, into, 0, logits[0].length);
    }
  }

  /**
   * Takes a token. It is short: an interrupt does not end it.
   *
   * @throws IllegalArgumentException for a token outside the vocabulary, or a full cache
   */
  public void step(int token) {
    requireOpen();
    int vocabulary = logits[0].length;
    if (token < 0 || token >= vocabulary) {
      throw new IllegalArgumentException(
          "expected a token in 0.." + (vocabulary - 1) + ", got " + token);
    }
    long start = System.nanoTime();
    if (open() > 0 && pass[certain + come] == token) {
      come++;
      accepted++;
      draft.accept(token);
      if (open() == 0) {
        ahead = Math.min(2 * ahead, guesses.length);
        forgetMark();
      }
    } else {
      readOn(token);
    }
    tokens++;
    nanos += System.nanoTime() - start;
  }

  private void readOn(int token) {
    if (open() == 0 && session.room(0) < 1) {
      session.step(token); // refuses
    }
    // The draft first: if it fails, nothing has changed but what it knows.
    draft.accept(token);
    int count = guess();
    torn = true;
    readOn(token, undo(), count);
    torn = false;
  }

  private void readOn(int token, int[] again, int count) {
    proposed += count;
    if (again.length + count == 0) {
      pass = again;
      certain = 0;
      come = 0;
      steps++;
      session.step(token);
      return;
    }
    int[] next = Arrays.copyOf(again, again.length + 1 + count);
    next[again.length] = token;
    System.arraycopy(guesses, 0, next, again.length + 1, count);
    if (count > 0 && mark == null) {
      mark = session.mark();
    }
    read(next, again.length + 1);
    if (count == 0) {
      forgetMark();
    }
  }

  /** Has the tokens guessed that are to be read with one that is certain; returns how many. */
  private int guess() {
    int again = open() > 0 ? certain + come : 0;
    long room = session.room(0) + (open() > 0 ? pass.length : 0);
    int most = (int) Math.min(rows - again - 1L, room - again - 1);
    int count = most < 1 ? 0 : draft.propose(guesses, Math.min(most, ahead));
    int known = 0;
    while (known < count && guesses[known] >= 0 && guesses[known] < logits[0].length) {
      known++;
    }
    return known;
  }

  /** Comes back to the mark where guesses are open; returns what has to be read again. */
  private int[] undo() {
    if (open() == 0) {
      return new int[0];
    }
    ahead = Math.max(1, come == 0 ? ahead / 2 : ahead);
    session.rollback(mark);
    return Arrays.copyOf(pass, certain + come);
  }

  private void read(int[] next, int sure) {
    boolean interrupted = false;
    boolean done = false;
    while (!done) {
      interrupted |= Thread.interrupted();
      try {
        int[] at = {0};
        session.append(
            session.options().decode(),
            new int[][] {next},
            (row, position, of) -> System.arraycopy(of, 0, logits[at[0]++], 0, of.length));
        done = true;
      } catch (CancellationException e) {
        interrupted = true; // it came before anything was read
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    passes++;
    pass = next;
    certain = sure;
    come = 0;
  }

  private void forgetMark() {
    if (mark != null) {
      mark.close();
      mark = null;
    }
  }

  /** Returns how it went so far. */
  public DraftReport report() {
    return new DraftReport(tokens, passes, steps, proposed, accepted, nanos);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this drafted session is closed");
    }
    if (torn) {
      throw new IllegalStateException(
          "an earlier token failed half-way: this drafted session cannot go on, nor its session");
    }
  }

  /** Undoes what was guessed beyond the tokens taken: the session stands behind these. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        int[] again = torn ? new int[0] : undo();
        if (again.length > 0) {
          read(again, again.length);
        }
      } finally {
        forgetMark();
      }
    }
  }
}
