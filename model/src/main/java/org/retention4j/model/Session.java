package org.retention4j.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.model.mixer.MixerState;
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
  private final MixerState[] states;
  private final int batch;
  private final SessionChecks checks;
  private final LastLogits logits;
  private final SessionAdvance advance;
  private final Deque<Mark> marks = new ArrayDeque<>();
  private boolean closed;

  Session(LanguageModel model, int batch, SessionOptions options) {
    this(model, options, batch, states(model, batch, options));
  }

  private Session(LanguageModel model, SessionOptions options, int batch, MixerState[] states) {
    this.model = model;
    this.options = options;
    this.batch = batch;
    this.states = states;
    checks = new SessionChecks(model.config().vocabulary(), batch, states);
    logits = new LastLogits(model.engine(), batch, model.config().vocabulary());
    advance = new SessionAdvance(model, options, states, logits);
  }

  private static MixerState[] states(LanguageModel model, int batch, SessionOptions options) {
    if (batch < 1) {
      throw new IllegalArgumentException("expected batch >= 1, got " + batch);
    }
    return all(model.layers(), layer -> layer.mixer().newState(batch, options.cache()));
  }

  /** Makes a state of each; if one fails, those made before it are freed. */
  private static <T> MixerState[] all(List<T> sources, Function<T, MixerState> make) {
    MixerState[] made = new MixerState[sources.size()];
    int i = 0;
    try {
      for (; i < made.length; i++) {
        made[i] = make.apply(sources.get(i));
      }
      return made;
    } finally {
      if (i < made.length) {
        Arrays.stream(made, 0, i).forEach(MixerState::close);
      }
    }
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
    requireRow(row);
    return states[0].position(row);
  }

  /** Returns the bytes that states, caches and open marks hold. */
  public long bytes() {
    requireOpen();
    long sum = 0;
    for (MixerState state : states) {
      sum += state.bytes();
    }
    for (Mark mark : marks) {
      sum += mark.bytes();
    }
    return sum;
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
    requireUsable();
    Args.present("resets", resets);
    checks.rows(tokens, resets);
    advance.append(form(tokens), tokens, resets, null);
  }

  private SequenceForm form(int[][] tokens) {
    boolean more = Arrays.stream(tokens).anyMatch(row -> row.length > 1);
    return more ? options.prefill() : options.decode();
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
    requireUsable();
    Args.present("resets", resets);
    Args.present("a listener to logits", each);
    checks.rows(tokens, resets);
    advance.append(form(tokens), tokens, resets, each);
  }

  /**
   * Appends tokens to the sequences in a form of this call's own: any mix of forms gives the same.
   *
   * @param form in which mixers take tokens; attention does not depend on it
   * @param tokens (B) rows of any lengths, 0 included
   */
  public void append(SequenceForm form, int[][] tokens) {
    requireUsable();
    Args.present("a form", form);
    checks.rows(tokens, Resets.none());
    advance.append(form, tokens, Resets.none(), null);
  }

  /**
   * Appends one token to each sequence; allocates nothing once it has run. It is short: an
   * interrupt does not end it.
   *
   * @param tokens (B); a negative one leaves its sequence as it is
   * @throws IllegalArgumentException for another number of tokens, a token outside the vocabulary
   *     or a full cache
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
    requireRow(row);
    long room = Long.MAX_VALUE;
    for (MixerState state : states) {
      room = Math.min(room, state.room(row));
    }
    return room;
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
    if (layer < 0 || layer >= states.length) {
      throw new IllegalArgumentException(
          "expected a layer in 0.." + (states.length - 1) + ", got " + layer);
    }
    return states[layer]
        .toArray()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "expected a layer with a state of fixed size, as of retention, got layer "
                        + layer));
  }

  /** Returns an independent copy that goes on bit for bit as this session would. */
  public Session fork() {
    int[] rows = new int[batch];
    Arrays.setAll(rows, row -> row);
    return select(rows);
  }

  /**
   * Returns an independent session of some of the sequences, which may repeat: many answers to one
   * prompt, or the survivors of a beam search.
   *
   * @param rows at least one, each in 0…B−1
   */
  public Session select(int... rows) {
    requireUsable();
    Args.present("rows", rows);
    if (rows.length == 0) {
      throw new IllegalArgumentException("expected at least one row, got none");
    }
    for (int row : rows) {
      if (row < 0 || row >= batch) {
        throw new IllegalArgumentException("expected rows in 0.." + (batch - 1) + ", got " + row);
      }
    }
    MixerState[] copies = all(Arrays.asList(states), state -> state.select(rows));
    Session copy = new Session(model, options, rows.length, copies);
    copy.logits.copy(logits, rows);
    return copy;
  }

  /** A moment of a session, see {@link #mark}. */
  public final class Mark implements AutoCloseable {
    private final List<MixerState.Mark> parts = new ArrayList<>();
    private final LastLogits.Moment seen = logits.moment();
    private boolean freed;

    private Mark() {
      try {
        for (MixerState state : states) {
          parts.add(state.mark());
        }
      } catch (Throwable e) {
        free();
        throw e;
      }
    }

    private boolean of(Session session) {
      return Session.this == session;
    }

    private long bytes() {
      return parts.stream().mapToLong(MixerState.Mark::bytes).sum();
    }

    /** Frees the copies of states; the mark cannot be returned to any more. */
    @Override
    public void close() {
      marks.remove(this);
      free();
    }

    private void free() {
      if (!freed) {
        freed = true;
        parts.forEach(MixerState.Mark::close);
      }
    }
  }

  /** Remembers this moment; a copy of the states is held until the mark is closed. */
  public Mark mark() {
    requireUsable();
    Mark mark = new Mark();
    marks.push(mark);
    return mark;
  }

  /**
   * Forgets what was seen since a mark. The mark stays valid; later ones end.
   *
   * @throws IllegalArgumentException for a mark that ended or is another session's
   */
  public void rollback(Mark mark) {
    requireUsable();
    Args.present("a mark", mark);
    if (!mark.of(this) || mark.freed) {
      throw new IllegalArgumentException(
          "expected an open mark of this session, got "
              + (mark.of(this) ? "one that ended" : "one of another session"));
    }
    while (marks.peek() != mark) {
      marks.pop().free();
    }
    advance.tearing();
    for (int i = 0; i < states.length; i++) {
      states[i].rollback(mark.parts.get(i));
    }
    logits.restore(mark.seen);
    advance.whole();
  }

  private void requireRow(int row) {
    if (row < 0 || row >= batch) {
      throw new IllegalArgumentException("expected a row in 0.." + (batch - 1) + ", got " + row);
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
    if (closed) {
      return;
    }
    advance.requireIdle();
    closed = true;
    marks.forEach(Mark::free);
    marks.clear();
    for (MixerState state : states) {
      state.close();
    }
    logits.close();
  }
}
