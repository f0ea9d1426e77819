package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.model.stack.TokenLogits;

/**
 * A batch of sequences in progress: what a {@link LanguageModel} remembers of them, and the logits
 * after each one's last token. What retention layers remember does not depend on the length.
 *
 * <p>Used by one thread at a time; sessions of one model may run on many. A refused call changes
 * nothing. A call that fails half-way, for want of memory say, leaves a session that refuses to go
 * on. Closing twice does no harm; use after close is an {@link IllegalStateException}.
 *
 * <p>Many tokens are read in pieces, between which other sessions have their turn. An interrupt of
 * the thread, or a callback that throws, ends a call behind a piece: the session is whole then,
 * {@link #position} says how far it came, and it can go on from there.
 *
 * @since 0.1
 */
public final class Session implements AutoCloseable {
  private final LanguageModel model;
  private final SessionOptions options;
  private final SequenceStates states;
  private final int batch;
  private final SessionChecks checks;
  private final LastLogits logits;
  private final SessionAdvance advance;
  private boolean closed;

  Session(LanguageModel model, int batch, SessionOptions options) {
    this(model, options, SequenceStates.of(model.layers(), batch, options.cache()));
  }

  private Session(LanguageModel model, SessionOptions options, SequenceStates states) {
    this.model = model;
    this.options = options;
    this.states = states;
    batch = states.batch();
    checks = new SessionChecks(model, states);
    logits = new LastLogits(model.engine(), batch, model.config().vocabulary());
    advance = new SessionAdvance(model, options, states.layers(), logits);
  }

  Session(LanguageModel model, SessionOptions options, Snapshot snapshot) {
    this(
        model,
        options,
        snapshot.of(model, options.cache()).states().select(snapshot.states().allRows()));
    logits.copy(snapshot.logits(), snapshot.states().allRows());
  }

  /** Returns the model. */
  public LanguageModel model() {
    return model;
  }

  /** Returns B. */
  public int batch() {
    return batch;
  }

  /** Returns how it computes. */
  public SessionOptions options() {
    return options;
  }

  /** Returns the number of tokens a row has seen since its sequence began. */
  public long position(int row) {
    requireUsable();
    return states.position(row);
  }

  /** Returns the bytes that states, caches and open marks hold. */
  public long bytes() {
    requireOpen();
    return states.bytes();
  }

  /** Appends tokens to the only sequence. */
  public void append(int... tokens) {
    append(new int[][] {tokens});
  }

  /**
   * Appends tokens to the sequences; afterwards {@link #logits} are those after the last ones.
   *
   * @param tokens (B) rows of any lengths, 0 included
   * @throws IllegalArgumentException for another number of rows, a token outside the vocabulary or
   *     more tokens than a cache may hold
   * @throws java.util.concurrent.CancellationException if the thread is interrupted: before the
   *     first piece, or behind one; its interrupt status is kept and {@link #logits} are those
   *     after the last token read
   */
  public void append(int[][] tokens) {
    appendPacked(tokens, Resets.none());
  }

  /**
   * Appends rows that hold many sequences: a token behind a reset sees nothing from before it, in
   * no layer, and positions begin again there. Each sequence gets the numbers that it gets alone,
   * to rounding; afterwards the session stands behind each row's last one, as if it had seen that
   * alone. A row that begins without a reset goes on first. See {@link #append(int[][])}.
   *
   * @param tokens (B) rows of any lengths, 0 included; T is that of the longest
   * @param resets (B,T) before which tokens sequences begin; behind a row's end they say nothing
   * @throws IllegalArgumentException for resets of another shape, or a sequence of more tokens than
   *     a cache may hold
   */
  public void appendPacked(int[][] tokens, Resets resets) {
    check(tokens, resets);
    advance.append(tokens, resets, null);
  }

  private void check(int[][] tokens, Resets resets) {
    requireUsable();
    checks.rows(tokens, Args.present("resets", resets));
  }

  /**
   * Appends tokens to the sequences and gives the logits after each; see {@link #append(int[][])}.
   *
   * @param each receives them; it is called under no lock and may run other sessions and models,
   *     but neither use nor close this one. What it throws ends the call: the session stands behind
   *     the piece of tokens that it was called for, without logits of rows that have not come to
   *     their end
   */
  public void append(int[][] tokens, TokenLogits each) {
    appendPacked(tokens, Resets.none(), each);
  }

  /**
   * Appends rows that hold many sequences, see {@link #appendPacked(int[][], Resets)}, and gives
   * the logits after each token, see {@link #append(int[][], TokenLogits)}: its position counts
   * from the last reset.
   */
  public void appendPacked(int[][] tokens, Resets resets, TokenLogits each) {
    Args.present("a listener to logits", each);
    check(tokens, resets);
    advance.append(tokens, resets, each);
  }

  /**
   * Appends tokens to the sequences in a form of this call's own, in which mixers take them: any
   * mix of forms gives the same.
   */
  public void append(SequenceForm form, int[][] tokens) {
    Args.present("a form", form);
    check(tokens, Resets.none());
    advance.append(form, tokens, Resets.none(), null);
  }

  /** The same, with the logits after each token; see {@link #append(int[][], TokenLogits)}. */
  public void append(SequenceForm form, int[][] tokens, TokenLogits each) {
    Args.present("a form", form);
    Args.present("a listener to logits", each);
    check(tokens, Resets.none());
    advance.append(form, tokens, Resets.none(), each);
  }

  /**
   * Appends one token to each sequence; allocates nothing once it has run. It is short: an
   * interrupt does not end it. As of an append, what it costs follows from the last row that gets
   * tokens: rows that are free are best at the end.
   *
   * @param tokens (B); a negative one leaves its sequence as it is
   * @throws IllegalArgumentException for another number, one outside the vocabulary, a full cache
   */
  public void step(int... tokens) {
    requireUsable();
    checks.step(tokens);
    advance.step(tokens);
  }

  /**
   * Returns how many tokens more a row may see before a cache reaches its limit, or without
   * attention layers its position {@link org.retention4j.core.RetentionState#LARGEST_POSITION}.
   */
  public long room(int row) {
    requireUsable();
    return states.room(row);
  }

  /**
   * Copies the logits after a row's last token.
   *
   * @param into at least the vocabulary long
   * @throws IllegalArgumentException if it is shorter, or there is no such row
   * @throws IllegalStateException if the row has seen nothing yet, or a callback ended its call
   */
  public void logits(int row, float[] into) {
    requireUsable();
    Args.present("room for logits", into);
    logits.requireKnown(row);
    checks.logits(into.length);
    logits.rows().readNarrow(row, 0, 0, into);
  }

  /** Copies the logits after a row's last token, widened; see {@link #logits(int, float[])}. */
  public void logits(int row, double[] into) {
    requireUsable();
    Args.present("room for logits", into);
    logits.requireKnown(row);
    checks.logits(into.length);
    logits.rows().readWide(row, 0, 0, into);
  }

  /**
   * Returns a copy of a layer's state, (B,H,K,V).
   *
   * @throws IllegalArgumentException if there is no such layer, or what it remembers grows with the
   *     length
   */
  public INDArray state(int layer) {
    requireUsable();
    return states.state(layer);
  }

  /** Lets a row begin anew, at position 0, while the others go on. */
  public void reset(int row) {
    requireUsable();
    states.requireRow(row);
    advance.tearing();
    states.reset(row);
    logits.forget(row);
    advance.whole();
  }

  /** Returns an independent copy that goes on bit for bit as this session would. */
  public Session fork() {
    return select(states.allRows());
  }

  /**
   * Returns an independent session of some of the sequences, which may repeat: many answers to one
   * prompt, or the survivors of a beam search.
   *
   * @param rows at least one, each in 0…B−1
   */
  public Session select(int... rows) {
    requireUsable();
    Session copy = new Session(model, options, states.select(rows));
    copy.logits.copy(logits, rows);
    return copy;
  }

  /** A moment of a session, see {@link #mark}. */
  public static final class Mark implements AutoCloseable {
    private final SequenceStates.Moment moment;
    private final LastLogits.Moment seen;

    private Mark(SequenceStates.Moment moment, LastLogits.Moment seen) {
      this.moment = moment;
      this.seen = seen;
    }

    /** Frees the copies of states; the mark cannot be returned to any more. */
    @Override
    public void close() {
      moment.close();
    }
  }

  /** Remembers this moment; states that change behind it are held twice until it is closed. */
  public Mark mark() {
    requireUsable();
    return new Mark(states.moment(), logits.moment());
  }

  /**
   * Forgets what was seen since a mark. The mark stays valid; later ones end.
   *
   * @throws IllegalArgumentException for a mark that ended or is another session's
   */
  public void rollback(Mark mark) {
    requireUsable();
    Args.present("a mark", mark);
    states.check(mark.moment);
    advance.tearing();
    states.rollback(mark.moment);
    logits.restore(mark.seen);
    advance.whole();
  }

  /** Returns some of the sequences as they are now, which may repeat. */
  public Snapshot snapshot(int... rows) {
    requireUsable();
    return Snapshot.of(
        model, options.cache(), states.select(rows), seen -> seen.copy(logits, rows));
  }

  /** Returns some of the sequences as they were at an open mark of this session. */
  public Snapshot snapshot(Mark mark, int... rows) {
    requireUsable();
    Args.present("a mark", mark);
    states.check(mark.moment);
    return Snapshot.of(
        model,
        options.cache(),
        states.select(mark.moment, rows),
        seen -> seen.copy(mark.seen, rows));
  }

  /** Takes a sequence out: its place begins anew, and the others go on. */
  public Snapshot take(int row) {
    Snapshot taken = snapshot(row);
    reset(row);
    return taken;
  }

  /**
   * Lets a place go on from a row of a snapshot, while the others go on as they are.
   *
   * @throws IllegalArgumentException for a snapshot that was made or read for another model, or of
   *     caches of another type or limit
   * @throws IllegalStateException while a mark is open
   */
  public void put(int row, Snapshot snapshot, int snapshotRow) {
    requireUsable();
    checks.put(row, snapshot, snapshotRow);
    advance.tearing();
    states.put(row, snapshot.states(), snapshotRow);
    logits.put(row, snapshot.logits(), snapshotRow);
    advance.whole();
  }

  /**
   * Lets a sequence change places with one of another session, which may be this one, of the same
   * model and caches, while no mark of them is open. Nothing is copied but logits.
   */
  public void exchange(int row, Session other, int otherRow) {
    requireUsable();
    Args.present("a session", other).requireUsable();
    checks.exchange(row, other.checks, otherRow);
    advance.tearing();
    other.advance.tearing();
    states.exchange(row, other.states, otherRow);
    logits.exchange(row, other.logits, otherRow);
    other.advance.whole();
    advance.whole();
  }

  /** Writes all sequences to a file, which appears whole, in the place of one that is there. */
  public void save(Path path) throws IOException {
    save(path, SaveOptions.DEFAULT);
  }

  /** Writes all sequences to a file; where that fails, what was there before stays. */
  public void save(Path path, SaveOptions options) throws IOException {
    requireUsable();
    SnapshotFiles.write(path, options, channel -> save(channel, options));
  }

  /**
   * Writes all sequences to a channel, which stays the caller's: encrypted or packed on the way, as
   * it likes. Nothing is copied before.
   */
  public void save(WritableByteChannel to, SaveOptions options) throws IOException {
    requireUsable();
    Args.present("options", options);
    Snapshot.write(
        model, to, new SnapshotSections.Contents(states, logits, states.allRows(), options));
  }

  /** Closes it and overwrites what it remembers; what it shares, when the others close theirs. */
  public void closeAndWipe() {
    if (!closed) {
      advance.requireIdle();
      states.wipe();
      logits.wipe();
      close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this session is closed");
    }
  }

  private void requireUsable() {
    requireOpen();
    advance.requireWhole();
  }

  @Override
  public void close() {
    if (!closed) {
      advance.requireIdle();
      closed = true;
      states.close();
      logits.close();
    }
  }
}
