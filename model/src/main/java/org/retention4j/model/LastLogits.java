package org.retention4j.model;

import java.io.IOException;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.RowView;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotReader;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

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
    for (int i = 0; i < from.length; i++) {
      put(i, other, from[i]);
    }
  }

  /** Copies some rows as they were at a moment. */
  void copy(Moment other, int[] from) {
    for (int i = 0; i < from.length; i++) {
      known[i] = other.known()[from[i]];
      rows.writeWide(i, 0, 0, other.rows()[from[i]]);
    }
  }

  /** Returns the section that {@link #write} fills. */
  SnapshotSection section(NumberType type, int... of) {
    long bytes = Long.BYTES * (2L + of.length);
    for (int row : of) {
      bytes += known[row] ? type.bytes(vocabulary) : 0;
    }
    return new SnapshotSection(SnapshotSections.LOGITS, 0, true, bytes);
  }

  void write(SnapshotWriter to, NumberType type, int... of) throws IOException {
    to.put(type.ordinal());
    to.put(vocabulary);
    for (int row : of) {
      to.put(known[row] ? 1L : 0L);
    }
    double[] wide = new double[vocabulary];
    for (int row : of) {
      if (known[row]) {
        rows.readWide(row, 0, 0, wide);
        to.put(type, wide, vocabulary);
      }
    }
  }

  /** Reads all rows of a snapshot. */
  void read(SnapshotReader from) throws IOException {
    NumberType type = NumberType.values()[(int) from.getLong("a type", 0, 2)];
    from.getLong("a vocabulary", vocabulary, vocabulary);
    boolean[] written = new boolean[known.length];
    for (int row = 0; row < known.length; row++) {
      written[row] = from.getLong("logits", 0, 1) == 1;
    }
    double[] wide = new double[vocabulary];
    for (int row = 0; row < known.length; row++) {
      if (written[row]) {
        from.get(type, wide, vocabulary);
        rows.writeWide(row, 0, 0, wide);
      }
      known[row] = written[row];
    }
  }

  /** Copies a row of another's. */
  void put(int row, LastLogits from, int fromRow) {
    rows.writeWide(row, 0, 0, from.wide(fromRow));
    known[row] = from.known[fromRow];
  }

  /** Lets a row change places with one of another's, or of these. */
  void exchange(int row, LastLogits other, int otherRow) {
    boolean was = known[row];
    double[] mine = was ? wide(row) : null;
    known[row] = other.known[otherRow];
    if (known[row]) {
      rows.writeWide(row, 0, 0, other.wide(otherRow));
    }
    other.known[otherRow] = was;
    if (was) {
      other.rows.writeWide(otherRow, 0, 0, mine);
    }
  }

  private double[] wide(int row) {
    double[] wide = new double[vocabulary];
    rows.readWide(row, 0, 0, wide);
    return wide;
  }

  /** Overwrites what is there. */
  void wipe() {
    for (int row = 0; row < known.length; row++) {
      rows.writeWide(row, 0, 0, new double[vocabulary]);
      known[row] = false;
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
