package org.retention4j.train.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;

/**
 * Whole documents, several in a row where they fit: each begins from nothing, and all rows are
 * fresh. Documents are put into rows once, in an order of the seed; the rows come in an order of
 * their own in every round over the text. A document that is longer than a row is cut into pieces
 * that fill one. What is left of a row is padding.
 *
 * <p>All of it is a function of a seed and the position: to go to a position costs nothing.
 *
 * @since 0.1
 */
public final class PackedDocuments implements BatchSource {
  private static final int PACKING = 4;
  private static final int ORDER = 5;

  /** So many rows are kept open for documents that still fit. */
  private static final int OPEN = 32;

  private final TokenText text;
  private final int rows;
  private final int length;
  private final long seed;

  /** For each row the pieces in it, as first tokens and counts of tokens with a target. */
  private final List<int[]> packed;

  private long position;

  /**
   * Begins at position 0.
   *
   * @param text at least one of whose documents has two tokens
   * @param rows B, at least 1
   * @param length T, at least 1
   * @param seed of the order
   * @throws IllegalArgumentException if these are out of their ranges, or no document has two
   */
  public PackedDocuments(TokenText text, int rows, int length, long seed) {
    this.text = Args.present("a text", text);
    Rows.requireShape(rows, length);
    this.rows = rows;
    this.length = length;
    this.seed = seed;
    packed = pack();
    if (packed.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a document of at least 2 tokens, got %d documents of fewer",
              text.documents()));
    }
  }

  private List<int[]> pack() {
    List<int[]> full = new ArrayList<>();
    List<TokenText.Tokens> open = new ArrayList<>();
    List<Integer> room = new ArrayList<>();
    long key = Counter.bits(seed, PACKING, 0, 0);
    for (int i = 0; i < text.documents(); i++) {
      int document = (int) Counter.permuted(key, text.documents(), i);
      int end = text.start(document + 1) - 1;
      for (int at = text.start(document); at < end; at += length) {
        int count = Math.min(length, end - at);
        int row = roomFor(count, room);
        if (row < 0 && open.size() == OPEN) {
          full.add(open.remove(0).toArray());
          room.remove(0);
        }
        if (row < 0) {
          row = open.size();
          open.add(new TokenText.Tokens());
          room.add(length);
        }
        open.get(row).add(new int[] {at, count});
        room.set(row, room.get(row) - count);
      }
    }
    open.forEach(row -> full.add(row.toArray()));
    return full;
  }

  /** Returns the open row that such a piece fills best, −1 where it fits into none. */
  private static int roomFor(int count, List<Integer> room) {
    int best = -1;
    for (int i = 0; i < room.size(); i++) {
      if (room.get(i) >= count && (best < 0 || room.get(i) < room.get(best))) {
        best = i;
      }
    }
    return best;
  }

  /** Returns the share of tokens that are padding. */
  public double padding() {
    long used = 0;
    for (int[] row : packed) {
      for (int i = 1; i < row.length; i += 2) {
        used += row[i];
      }
    }
    return 1 - (double) used / ((double) packed.size() * length);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public Batch next() {
    Rows batch = new Rows(rows, length);
    for (int row = 0; row < rows; row++) {
      long number = position * rows + row;
      long key = Counter.bits(seed, ORDER, number / packed.size(), 0);
      int[] pieces = packed.get((int) Counter.permuted(key, packed.size(), number % packed.size()));
      int at = 0;
      for (int i = 0; i < pieces.length; i += 2) {
        batch.start(row, at);
        batch.put(row, at, text, pieces[i], pieces[i + 1]);
        at += pieces[i + 1];
      }
    }
    position++;
    return batch.toBatch();
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public void seek(long to) {
    Rows.requirePosition(to);
    position = to;
  }
}
