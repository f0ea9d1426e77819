package org.retention4j.batch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.retention4j.cache.PrefixCache;
import org.retention4j.cache.PrefixCacheOptions;
import org.retention4j.cache.PrefixCacheStats;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.generate.Generation.End;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/**
 * Sequences whose prompts are being read, each from a session of its own, so that those who write
 * are not touched. Turn by turn: a short prompt does not wait for the end of a long one.
 */
final class Prompts implements AutoCloseable {
  /** Sessions kept for who comes next. */
  private static final int IDLE = 2;

  private final LanguageModel model;
  private final BatchOptions options;
  private final int multiple;

  /** Beginnings that were read before; null for none. */
  private final PrefixCache prefixes;

  private final Together together;
  private final Deque<Sequence> reading = new ArrayDeque<>();

  /** Whose turn it is, as far as what becomes of them has not been settled. */
  private final Set<Sequence> unsettled = new LinkedHashSet<>();

  private final Deque<Session> idle = new ArrayDeque<>();
  private final float[] logits;
  private long read;
  private long chosen;

  Prompts(LanguageModel model, BatchOptions options) {
    this.model = model;
    this.options = options;
    multiple = options.session().prefill().microBatches().multiple();
    prefixes = options.prefixes().map(of -> prefixes(model, of)).orElse(null);
    together = new Together(model, options.session());
    logits = new float[model.config().vocabulary()];
  }

  private PrefixCache prefixes(LanguageModel model, PrefixCacheOptions of) {
    if (of.piece() % multiple != 0) {
      throw new IllegalArgumentException(
          "expected a prefix cache with pieces of a multiple of "
              + multiple
              + " tokens, where the form for prefill may be cut, got "
              + of.piece());
    }
    try {
      return new PrefixCache(model, of);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Optional<PrefixCacheStats> prefixStats() {
    return Optional.ofNullable(prefixes).map(PrefixCache::stats);
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
      sequence.readIn(session, prefixes);
      reading.add(sequence);
    } catch (RuntimeException | OutOfMemoryError e) {
      sequence.fail(e);
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
      List<Sequence> turn = turn(left, most);
      if (turn.isEmpty()) {
        return; // at the next turn
      }
      unsettled.addAll(turn);
      for (Sequence each : turn) {
        left -= each.next();
        if (each.next() == 0) {
          settle(each, rows);
        }
      }
      turn.removeIf(each -> each.next() == 0);
      for (List<Sequence> group : Together.groups(turn)) {
        together.read(group);
        group.forEach(each -> settle(each, rows));
      }
    }
  }

  /** Returns those whose turn it is, each of which knows how much it reads. */
  private List<Sequence> turn(int room, int most) {
    List<Sequence> turn = new ArrayList<>();
    int left = room;
    while (!reading.isEmpty()) {
      Sequence sequence = reading.peek();
      boolean reads = !sequence.cancelled() && sequence.promptLeft() > 0;
      int count = reads && left > 0 ? piece(sequence, left, most) : 0;
      if (reads && count == 0) {
        return turn;
      }
      sequence.readNext(count);
      left -= count;
      turn.add(reading.remove());
    }
    return turn;
  }

  /**
   * Returns how much of a prompt is read: cut as the form cuts it, so that numbers are those of a
   * prompt read whole, and where a cache keeps beginnings in its pieces only, so that they are the
   * same whether it knows one or not.
   */
  private int piece(Sequence sequence, int left, int most) {
    int wanted = sequence.promptLeft();
    int cut = multiple;
    if (sequence.readsForCache()) {
      cut = prefixes.options().piece();
      wanted = Math.min(wanted, cut);
    }
    if (wanted <= left || cut >= wanted) {
      return left < most && wanted > left ? 0 : wanted;
    }
    int whole = left / cut * cut;
    return whole == 0 && left == most ? cut : whole;
  }

  private void settle(Sequence sequence, Rows rows) {
    read += sequence.takeRead();
    if (!sequence.failed()) {
      try {
        goOn(sequence, rows);
      } catch (RuntimeException | OutOfMemoryError e) {
        sequence.fail(e);
      }
    }
    unsettled.remove(sequence);
  }

  /** What becomes of one behind its piece. */
  private void goOn(Sequence sequence, Rows rows) {
    if (sequence.cancelled()) {
      sequence.end(End.CANCELLED);
      finish(sequence);
      return;
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

  /** Ends all of them, whatever becomes of one. */
  void cancel() {
    reading.addAll(unsettled); // an error came between
    while (!reading.isEmpty()) {
      Sequence sequence = reading.remove();
      try {
        sequence.end(End.CANCELLED);
        finish(sequence);
      } catch (RuntimeException | Error e) {
        sequence.fail(e);
      }
    }
  }

  @Override
  public void close() {
    idle.forEach(Session::close);
    idle.clear();
    together.close();
    if (prefixes != null) {
      prefixes.close();
    }
  }
}
