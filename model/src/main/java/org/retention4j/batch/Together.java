package org.retention4j.batch;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;

/**
 * Reads the next pieces of several prompts, those of about the same length in one call: for it
 * their sequences change places with rows of one session, so that nothing is copied. Numbers are
 * those of prompts that are read alone: to the bit in float64, to rounding in fp32.
 */
final class Together implements AutoCloseable {
  /** So many at most, for each needs a row. */
  private static final int ROWS = 8;

  /** A call takes about as long as so many tokens more would. */
  private static final int CALL = 6;

  private final LanguageModel model;
  private final SessionOptions options;
  private Session session;

  Together(LanguageModel model, SessionOptions options) {
    this.model = model;
    this.options = options;
  }

  /** Returns who is best read together, the shortest first: they need not wait for the others. */
  static List<List<Sequence>> groups(List<Sequence> all) {
    List<Sequence> left = new ArrayList<>(all);
    left.sort(
        Comparator.comparing(Sequence::readsInSteps)
            .thenComparing(Comparator.comparing(Sequence::next).reversed()));
    List<List<Sequence>> groups = new ArrayList<>();
    for (int from = 0; from < left.size(); ) {
      int count = group(left.subList(from, left.size()));
      groups.add(left.subList(from, from + count));
      from += count;
    }
    Collections.reverse(groups);
    return groups;
  }

  /**
   * Lets each of a group read what comes next of its prompt; those that fail are told so, and only
   * those.
   */
  void read(List<Sequence> group) {
    if (group.size() == 1 || !readInOne(group)) {
      group.forEach(this::readAlone);
    }
  }

  /**
   * Returns how many of the first, of which none is shorter than those behind it, are best read in
   * one call: all are filled up to the longest.
   */
  private static int group(List<Sequence> sorted) {
    int tokens = MicroBatches.bound(sorted.get(0).next());
    int best = 1;
    int most = 0;
    int alone = 0;
    for (int count = 1; count <= Math.min(ROWS, sorted.size()); count++) {
      Sequence last = sorted.get(count - 1);
      if (last.readsInSteps() != sorted.get(0).readsInSteps()) {
        break;
      }
      alone += MicroBatches.bound(last.next()) + CALL;
      int saved = alone - (count * tokens + CALL);
      if (saved > most) {
        most = saved;
        best = count;
      }
    }
    return best;
  }

  private void readAlone(Sequence sequence) {
    try {
      long start = System.nanoTime();
      sequence.reader().append(sequence.form(), new int[][] {sequence.nextTokens()});
      sequence.advance(System.nanoTime() - start);
    } catch (RuntimeException | OutOfMemoryError e) {
      sequence.fail(e);
    }
  }

  /** Returns whether they were read, or failed all; if not, nothing was. */
  private boolean readInOne(List<Sequence> group) {
    Session shared;
    try {
      shared = session(group.size());
    } catch (OutOfMemoryError e) {
      return false; // alone they need no more than they have
    }
    int[][] tokens = new int[shared.batch()][0];
    long[] before = new long[group.size()];
    int count = 0;
    for (int i = 0; i < group.size(); i++) {
      before[i] = group.get(i).reader().position(0);
      shared.exchange(i, group.get(i).reader(), 0);
      tokens[i] = group.get(i).nextTokens();
      count += tokens[i].length;
    }
    long start = System.nanoTime();
    Throwable failure = null;
    try {
      shared.append(group.get(0).form(), tokens);
    } catch (RuntimeException | OutOfMemoryError e) {
      failure = e;
    }
    long nanos = (System.nanoTime() - start) / count;
    try {
      for (int i = 0; i < group.size(); i++) {
        shared.exchange(i, group.get(i).reader(), 0);
      }
    } catch (IllegalStateException torn) { // it failed half-way, and nobody can go on from there
      close();
      fail(group, failure == null ? torn : failure);
      return true;
    }
    if (failure == null) {
      group.forEach(each -> each.advance(nanos * each.next()));
      return true;
    }
    for (int i = 0; i < group.size(); i++) {
      if (group.get(i).reader().position(0) != before[i]) { // read in part: not to be read again
        fail(group, failure);
        return true;
      }
    }
    return false; // one of them was refused: by itself it is told why
  }

  private static void fail(List<Sequence> group, Throwable failure) {
    group.forEach(each -> each.fail(failure));
  }

  private Session session(int rows) {
    if (session == null || session.batch() < rows) {
      close();
      session = model.newSession(rows, options);
    }
    return session;
  }

  @Override
  public void close() {
    if (session != null) {
      session.close();
      session = null;
    }
  }
}
