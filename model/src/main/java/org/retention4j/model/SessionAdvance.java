package org.retention4j.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.retention4j.core.Resets;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.stack.DecoderPlan;
import org.retention4j.model.stack.TokenLogits;

/**
 * Takes a session's states over tokens, one micro-batch after another: each is done under the
 * engine's lock, who receives its logits is called under none. Between two of them all is whole.
 */
final class SessionAdvance {
  private final LanguageModel model;
  private final Engine engine;
  private final SessionOptions options;
  private final MixerState[] states;
  private final LastLogits logits;
  private final int batch;
  private final int[] counts;
  private final boolean[] ends;
  private final int[][] single;

  /** By the number of rows that a step has to go over, made once: a step must not allocate. */
  private final DecoderPlan.Key[] stepKeys;

  private final Runnable runMicroBatch = this::runMicroBatch;

  private DecoderPlan.Key key;
  private int[][] tokens;
  private Resets resets = Resets.none();
  private int from;
  private Thread caller;
  private DecoderPlan plan;

  /** Set when the caller was interrupted before the micro-batch at hand had ended. */
  private boolean interrupted;

  /** Set while states change: if a micro-batch fails then, they are of no more use. */
  private boolean torn;

  private volatile boolean running;

  SessionAdvance(
      LanguageModel model, SessionOptions options, MixerState[] states, LastLogits logits) {
    this.model = model;
    this.options = options;
    this.states = states;
    this.logits = logits;
    engine = model.engine();
    batch = logits.batch();
    counts = new int[batch];
    ends = new boolean[batch];
    single = new int[batch][1];
    stepKeys = new DecoderPlan.Key[batch + 1];
    for (int rows = 0; rows <= batch; rows++) {
      int size = Math.min(batch, stepSize(rows));
      stepKeys[rows] =
          rows > 0 && stepKeys[rows - 1].batch() == size
              ? stepKeys[rows - 1]
              : new DecoderPlan.Key(options.decode(), size, 1, false);
    }
  }

  /**
   * Returns how many rows are gone over where the last one wanted is such: 1, 2, 3, 4, 6, 8, 12, 16
   * and so on, since each such number needs buffers of its own.
   */
  private static int stepSize(int rows) {
    int size = Math.max(1, Integer.highestOneBit(rows));
    if (size < rows) {
      size += Math.max(1, size / 2);
    }
    return size < rows ? 2 * Integer.highestOneBit(rows) : size;
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

  /**
   * Takes one checked token of each row; a negative one leaves its row as it is, and where all
   * behind some row are such, no work is done for them.
   */
  void step(int[] row) {
    int last = 0;
    for (int b = 0; b < batch; b++) {
      single[b][0] = row[b];
      counts[b] = row[b] < 0 ? 0 : 1;
      ends[b] = counts[b] == 1;
      last = ends[b] ? b + 1 : last;
    }
    running = true;
    try {
      advance(stepKeys[last], single, 0);
      plan.release();
    } finally {
      running = false;
    }
  }

  /** Takes checked tokens of each row in the form that the options have for so many. */
  void append(int[][] rows, Resets newResets, TokenLogits each) {
    boolean more = Arrays.stream(rows).anyMatch(row -> row.length > 1);
    append(more ? options.prefill() : options.decode(), rows, newResets, each);
  }

  /** Takes checked tokens of each row, and gives what the last layer makes of every one. */
  void append(int[][] rows, DecoderPlan.LastRows each) {
    append(options.prefill(), rows, Resets.none(), taken -> taken.allRows(each));
  }

  /**
   * Takes checked tokens of each row.
   *
   * @param newResets checked ones of the rows
   * @param each receives the logits after each token, or null
   * @throws CancellationException if the thread is interrupted, between two micro-batches
   */
  void append(SequenceForm form, int[][] rows, Resets newResets, TokenLogits each) {
    Consumer<DecoderPlan> all = each == null ? taken -> {} : taken -> taken.allLogits(each);
    append(form, rows, newResets, all);
  }

  private void append(
      SequenceForm form, int[][] rows, Resets newResets, Consumer<DecoderPlan> each) {
    int longest = 0;
    int last = 0;
    for (int b = 0; b < batch; b++) {
      longest = Math.max(longest, rows[b].length);
      last = rows[b].length > 0 ? b + 1 : last;
    }
    int used = Math.min(batch, stepSize(last));
    int microBatch = model.microBatches(form).tokens(longest, used);
    running = true;
    resets = newResets;
    try {
      interrupted = Thread.currentThread().isInterrupted();
      for (int first = 0; first < longest; first += microBatch) {
        if (interrupted) {
          throw new CancellationException(
              String.format(
                  Locale.ROOT,
                  "interrupted after %d of %d tokens: the session stands behind them",
                  first,
                  longest));
        }
        count(rows, first, Math.min(microBatch, longest - first));
        int padded = MicroBatches.bound(Math.min(microBatch, longest - first));
        advance(new DecoderPlan.Key(form, used, padded, options.bfloat16Prefill()), rows, first);
        try {
          each.accept(plan);
        } finally {
          plan.release();
        }
      }
    } finally {
      resets = Resets.none();
      running = false;
    }
  }

  private void count(int[][] rows, int first, int longest) {
    for (int b = 0; b < batch; b++) {
      counts[b] = Math.max(0, Math.min(rows[b].length - first, longest));
      ends[b] = counts[b] > 0 && first + counts[b] == rows[b].length;
    }
  }

  /** Leaves the plan taken, for the logits of all tokens to be read; it is to be released. */
  private void advance(DecoderPlan.Key planKey, int[][] rows, int first) {
    key = planKey;
    tokens = rows;
    from = first;
    caller = Thread.currentThread();
    plan = null;
    boolean done = false;
    try {
      engine.exclusively(runMicroBatch);
      done = true;
    } finally {
      tokens = null;
      caller = null;
      if (!done && plan != null) {
        plan.release();
      }
    }
  }

  private void runMicroBatch() {
    plan = model.enter(key);
    logits.forget(counts);
    torn = true;
    plan.run(states, tokens, from, counts, resets);
    interrupted = caller.isInterrupted();
    if (interrupted) { // this may be the end: what stands after it has its logits too
      for (int b = 0; b < batch; b++) {
        ends[b] = counts[b] > 0;
      }
    }
    plan.lastLogits(ends, logits.rows());
    logits.note(ends);
    torn = false;
  }
}
