package org.retention4j.model;

import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.RowView;

/** The logits after the last token of each row of a session, of rows that have seen one. */
final class LastLogits implements AutoCloseable {
  private final Buffers arena;
  private final RowView rows;
  private final boolean[] known;
  private final int vocabulary;

  LastLogits(Engine engine, int batch, int vocabulary) {
    arena = engine.newBuffers();
    rows = arena.tile(batch, vocabulary).asRows(1, vocabulary);
    known = new boolean[batch];
    this.vocabulary = vocabulary;
  }

  /** Returns where they are written to, (B,1,V). */
  RowView rows() {
    return rows;
  }

  /** Returns B. */
  int batch() {
    return known.length;
  }

  /** Forgets rows that see tokens: what is written is no longer after their last one. */
  void forget(int[] tokens) {
    for (int b = 0; b < known.length; b++) {
      known[b] &= tokens[b] == 0;
    }
  }

  /** Forgets a row, which begins anew. */
  void forget(int row) {
    known[row] = false;
  }

  /** Notes which rows were written. */
  void note(boolean[] written) {
    for (int b = 0; b < known.length; b++) {
      known[b] |= written[b];
    }
  }

  /**
   * Refuses a row without logits.
   *
   * @throws IllegalArgumentException if there is no such row
   * @throws IllegalStateException if it has seen nothing yet, or has not come to its end
   */
  void requireKnown(int row) {
    if (row < 0 || row >= known.length) {
      throw new IllegalArgumentException(
          "expected a row in 0.." + (known.length - 1) + ", got " + row);
    }
    if (!known[row]) {
      throw new IllegalStateException(
          "row "
              + row
              + " has no logits: it has seen no token yet, or a call ended before its last one");
    }
  }

  /** Copies another session's, whose rows these are. */
  void copy(LastLogits other, int[] from) {
    double[] wide = new double[vocabulary];
    for (int i = 0; i < from.length; i++) {
      known[i] = other.known[from[i]];
      other.rows.readWide(from[i], 0, 0, wide);
      rows.writeWide(i, 0, 0, wide);
    }
  }

  /** What was known at a moment. */
  record Moment(double[][] rows, boolean[] known) {}

  Moment moment() {
    double[][] copy = new double[known.length][vocabulary];
    for (int b = 0; b < copy.length; b++) {
      rows.readWide(b, 0, 0, copy[b]);
    }
    return new Moment(copy, known.clone());
  }

  void restore(Moment moment) {
    for (int b = 0; b < known.length; b++) {
      rows.writeWide(b, 0, 0, moment.rows()[b]);
    }
    System.arraycopy(moment.known(), 0, known, 0, known.length);
  }

  @Override
  public void close() {
    arena.close();
  }
}
