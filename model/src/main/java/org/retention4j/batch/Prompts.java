package org.retention4j.batch;

import java.util.ArrayDeque;
import java.util.Deque;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.generate.Generation.End;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/**
 * Sequences whose prompts are being read, each in a session of its own, so that those who write are
 * not touched. Turn by turn: a short prompt does not wait for the end of a long one.
 */
final class Prompts implements AutoCloseable {
  /** Sessions kept for who comes next. */
  private static final int IDLE = 2;

  private final LanguageModel model;
  private final BatchOptions options;
  private final int multiple;
  private final Deque<Sequence> reading = new ArrayDeque<>();
  private final Deque<Session> idle = new ArrayDeque<>();
  private final float[] logits;
  private long read;
  private long chosen;

  Prompts(LanguageModel model, BatchOptions options) {
    this.model = model;
    this.options = options;
    multiple = options.session().prefill().microBatches().multiple();
    logits = new float[model.config().vocabulary()];
  }

  int size() {
    return reading.size();
  }

  long tokensRead() {
    return read;
  }

  long tokensChosen() {
    return chosen;
  }

  /** Takes one in. */
  void add(Sequence sequence) {
    try {
      Session session = idle.isEmpty() ? model.newSession(1, options.session()) : idle.pop();
      reading.add(sequence);
      sequence.readIn(session);
    } catch (RuntimeException | OutOfMemoryError e) {
      reading.remove(sequence);
      fail(sequence, e);
    }
  }

  /** Reads as much as may be read between two steps; who has read all of it goes to a row. */
  void read(Rows rows) {
    int most = options.promptTokens();
    if (rows.size() == 0) {
      most = Math.max(most, MicroBatches.ROWS); // nobody waits for it
    }
    int left = most;
    while (left > 0 && !reading.isEmpty()) {
      Sequence sequence = reading.peek();
      int count = piece(sequence.promptLeft(), left, most);
      if (count == 0 && sequence.promptLeft() > 0) {
        return; // at the next turn
      }
      reading.remove();
      left -= count;
      try {
        turn(sequence, count, rows);
      } catch (RuntimeException | OutOfMemoryError e) {
        fail(sequence, e);
      }
    }
  }

  /**
   * Returns how much of a prompt is read: cut as the form cuts it, so that numbers are those of a
   * prompt read whole.
   */
  private int piece(int wanted, int left, int most) {
    if (wanted <= left || multiple >= wanted) {
      return left < most && wanted > left ? 0 : wanted;
    }
    int whole = left / multiple * multiple;
    return whole == 0 && left == most ? multiple : whole;
  }

  private void turn(Sequence sequence, int count, Rows rows) {
    if (sequence.cancelled()) {
      sequence.end(End.CANCELLED);
      finish(sequence);
      return;
    }
    if (count > 0) {
      sequence.read(count);
      read += count;
    }
    if (sequence.promptLeft() > 0) {
      reading.add(sequence);
      return;
    }
    Session session = sequence.reader();
    if (!sequence.ended()) {
      session.logits(0, logits);
      sequence.choose(logits);
      chosen++;
    }
    if (!sequence.ended()) {
      rows.put(sequence);
      free(session);
      return;
    }
    if (sequence.reads() && session.room(0) > 0) {
      session.step(sequence.takeUnread());
    }
    finish(sequence);
  }

  private void finish(Sequence sequence) {
    sequence.tellEnd(sequence.reader(), 0);
    free(sequence.reader());
  }

  private void free(Session session) {
    if (idle.size() < IDLE) {
      session.reset(0);
      idle.push(session);
    } else {
      session.close();
    }
  }

  private static void fail(Sequence sequence, Throwable failure) {
    if (sequence.reader() != null) {
      sequence.reader().close();
    }
    sequence.tellFailure(failure);
  }

  /** Ends all of them. */
  void cancel() {
    for (Sequence sequence : reading) {
      sequence.cancel();
    }
    while (!reading.isEmpty()) {
      Sequence sequence = reading.remove();
      sequence.end(End.CANCELLED);
      finish(sequence);
    }
  }

  @Override
  public void close() {
    idle.forEach(Session::close);
    idle.clear();
  }
}
