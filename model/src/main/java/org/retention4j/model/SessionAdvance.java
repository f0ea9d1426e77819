package org.retention4j.model;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.retention4j.core.RetentionForm;
import org.retention4j.engine.Engine;

/**
 * Takes a session's memories over tokens, piece by piece: a piece is done under the engine's lock,
 * who receives its logits is called under none. Between two pieces all is whole.
 */
final class SessionAdvance {
  private final LanguageModel model;
  private final Engine engine;
  private final SessionOptions options;
  private final MixerMemory[] memories;
  private final LastLogits logits;
  private final int batch;
  private final int[] counts;
  private final boolean[] ends;
  private final int[][] single;

  /** Made once, as the tasks are, for a step must not allocate. */
  private final LanguageModel.PassKey stepKey;

  private final Runnable runPiece = this::runPiece;

  private LanguageModel.PassKey key;
  private int[][] tokens;
  private int from;
  private Thread caller;
  private StackPass pass;

  /** Set when the caller was interrupted before the piece at hand had ended. */
  private boolean interrupted;

  /** Set while memories change: if a piece fails then, they are of no more use. */
  private boolean torn;

  private volatile boolean running;

  SessionAdvance(
      LanguageModel model, SessionOptions options, MixerMemory[] memories, LastLogits logits) {
    this.model = model;
    this.options = options;
    this.memories = memories;
    this.logits = logits;
    engine = model.engine();
    batch = logits.batch();
    counts = new int[batch];
    ends = new boolean[batch];
    single = new int[batch][1];
    stepKey = new LanguageModel.PassKey(options.decode(), batch, 1, false);
  }

  /** Refuses to go on while a call runs, from within its callback say, and after a torn one. */
  void requireWhole() {
    requireIdle();
    if (torn) {
      throw new IllegalStateException(
          "an earlier call failed half-way: this session cannot go on, make a new one");
    }
  }

  /** Refuses to go on while a call runs. */
  void requireIdle() {
    if (running) {
      throw new IllegalStateException(
          "this session is in the middle of a call: a callback that receives logits may use"
              + " others, but neither this one nor close it");
    }
  }

  /** Takes changes in hand; unless {@link #whole()} follows, the session is torn. */
  void tearing() {
    torn = true;
  }

  void whole() {
    torn = false;
  }

  /** Takes one checked token of each row; a negative one leaves its row as it is. */
  void step(int[] row) {
    for (int b = 0; b < batch; b++) {
      single[b][0] = row[b];
      counts[b] = row[b] < 0 ? 0 : 1;
      ends[b] = counts[b] == 1;
    }
    running = true;
    try {
      advance(stepKey, single, 0);
      pass.release();
    } finally {
      running = false;
    }
  }

  /**
   * Takes checked tokens of each row.
   *
   * @param each receives the logits after each token, or null
   * @throws CancellationException if the thread is interrupted, between two pieces
   */
  void append(RetentionForm form, int[][] rows, TokenLogits each) {
    int longest = Arrays.stream(rows).mapToInt(row -> row.length).max().orElse(0);
    int piece = PieceLengths.of(model.layers(), form, batch, longest);
    running = true;
    try {
      interrupted = Thread.currentThread().isInterrupted();
      for (int first = 0; first < longest; first += piece) {
        if (interrupted) {
          throw new CancellationException(
              String.format(
                  "interrupted after %d of %d tokens: the session stands behind them",
                  first, longest));
        }
        appendPiece(form, rows, first, Math.min(piece, longest - first), each);
      }
    } finally {
      running = false;
    }
  }

  private void appendPiece(
      RetentionForm form, int[][] rows, int first, int longest, TokenLogits each) {
    for (int b = 0; b < batch; b++) {
      counts[b] = Math.max(0, Math.min(rows[b].length - first, longest));
      ends[b] = counts[b] > 0 && first + counts[b] == rows[b].length;
    }
    int padded = PieceLengths.roundUp(longest);
    advance(
        new LanguageModel.PassKey(form, batch, padded, options.bfloat16Prefill()), rows, first);
    try {
      if (each != null) {
        pass.allLogits(memories[0], each);
      }
    } finally {
      pass.release();
    }
  }

  /** Leaves the bindings taken, for the logits of all tokens to be read; they are to be released. */
  private void advance(LanguageModel.PassKey passKey, int[][] rows, int first) {
    key = passKey;
    tokens = rows;
    from = first;
    caller = Thread.currentThread();
    pass = null;
    boolean done = false;
    try {
      engine.exclusively(runPiece);
      done = true;
    } finally {
      tokens = null;
      caller = null;
      if (!done && pass != null) {
        pass.release();
      }
    }
  }

  private void runPiece() {
    pass = model.enter(key);
    logits.forget(counts);
    torn = true;
    pass.run(memories, tokens, from, counts);
    interrupted = caller.isInterrupted();
    if (interrupted) { // this may be the end: what stands after it has its logits too
      for (int b = 0; b < batch; b++) {
        ends[b] = counts[b] > 0;
      }
    }
    pass.lastLogits(ends, logits.rows());
    logits.note(ends);
    torn = false;
  }
}
