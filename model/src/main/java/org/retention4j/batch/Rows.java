package org.retention4j.batch;

import java.util.Arrays;
import org.retention4j.generate.Generation.End;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/** Sequences that are continued, each in a row of one session. */
final class Rows implements AutoCloseable {
  private final LanguageModel model;
  private final BatchOptions options;
  private final Sequence[] of;
  private final int[] tokens;
  private final float[] logits;
  private Session session;
  private int used;
  private long steps;
  private long chosen;

  Rows(LanguageModel model, BatchOptions options) {
    this.model = model;
    this.options = options;
    of = new Sequence[options.sequences()];
    tokens = new int[options.sequences()];
    logits = new float[model.config().vocabulary()];
    session = model.newSession(options.sequences(), options.session());
  }

  int size() {
    return used;
  }

  long steps() {
    return steps;
  }

  long tokensChosen() {
    return chosen;
  }

  /**
   * Takes one that has read its prompt into the first free row, of which there is one: its reader
   * gets what was there.
   */
  void put(Sequence sequence) {
    int row = firstFree();
    session.exchange(row, sequence.reader(), 0);
    of[row] = sequence;
    used++;
  }

  private int firstFree() {
    int row = 0;
    while (of[row] != null) {
      row++;
    }
    return row;
  }

  /** Reads a token of each and chooses the next; who has ended leaves. */
  void step() {
    Arrays.fill(tokens, -1);
    boolean any = false;
    for (int row = 0; row < of.length; row++) {
      any |= of[row] != null && prepare(row);
    }
    if (!any) {
      return;
    }
    try {
      session.step(tokens);
      steps++;
    } catch (RuntimeException | OutOfMemoryError e) {
      failAll(e);
      return;
    }
    for (int row = 0; row < of.length; row++) {
      if (tokens[row] >= 0) {
        choose(row);
      }
    }
    close(holes());
  }

  /** Returns whether a row has a token to read; if not, it is free now. */
  private boolean prepare(int row) {
    Sequence sequence = of[row];
    if (sequence.cancelled() && !sequence.ended()) {
      sequence.end(End.CANCELLED);
    }
    if (sequence.reads() && session.room(row) < 1) {
      sequence.end(End.CACHE_FULL);
      sequence.takeUnread();
    }
    if (!sequence.reads()) {
      leave(row);
      return false;
    }
    tokens[row] = sequence.takeUnread();
    return true;
  }

  private void choose(int row) {
    Sequence sequence = of[row];
    try {
      if (!sequence.ended()) {
        session.logits(row, logits);
        sequence.choose(logits);
        chosen++;
      }
      if (!sequence.reads()) {
        leave(row);
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      sequence.tellFailure(e);
      free(row);
    }
  }

  private void leave(int row) {
    Sequence sequence = of[row];
    try {
      sequence.tellEnd(session, row);
    } catch (RuntimeException | OutOfMemoryError e) {
      sequence.tellFailure(e);
    }
    free(row);
  }

  private void free(int row) {
    of[row] = null;
    used--;
    session.reset(row);
  }

  /** A step that failed half-way leaves a session that cannot go on. */
  private void failAll(Throwable failure) {
    session.close();
    for (int row = 0; row < of.length; row++) {
      if (of[row] != null) {
        of[row].tellFailure(failure);
        of[row] = null;
      }
    }
    used = 0;
    session = model.newSession(options.sequences(), options.session());
  }

  /** Returns how many rows are free before the last one that is used. */
  private int holes() {
    return last() + 1 - used;
  }

  private int last() {
    int row = of.length - 1;
    while (row >= 0 && of[row] == null) {
      row--;
    }
    return row;
  }

  /** A step costs what its last row says: where many before it are free, that one moves. */
  private void close(int holes) {
    int last = last();
    if (holes == 0 || 4 * holes <= last) {
      return;
    }
    int row = firstFree();
    session.exchange(row, session, last);
    of[row] = of[last];
    of[last] = null;
  }

  /** Ends all of them, whatever becomes of one. */
  void cancel() {
    for (int row = 0; row < of.length; row++) {
      Sequence sequence = of[row];
      of[row] = null;
      if (sequence != null) {
        try {
          sequence.end(End.CANCELLED);
          sequence.tellEnd(session, row);
        } catch (RuntimeException | Error e) {
          sequence.tellFailure(e);
        }
      }
    }
    used = 0;
  }

  @Override
  public void close() {
    session.close();
  }
}
