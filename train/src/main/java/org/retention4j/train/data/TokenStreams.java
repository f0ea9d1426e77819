package org.retention4j.train.data;

import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.train.Batch;
import org.retention4j.train.BatchSource;

/**
 * Streams: each row of a batch goes on where the row of its index ended before, so that states can
 * be carried from one to the next. Where a step takes several batches, each of them has streams of
 * its own, which go on in the same batch of the next step.
 *
 * <p>The text is cut into long pieces, of up to {@value #LONGEST} rows each, which come in an order
 * of their own in every round over the text; where the cuts are differs from round to round. A row
 * begins fresh where a piece begins, where a document does, and with a given probability anywhere,
 * so that beginnings are learnt as well. A document's last token has no target, since what follows
 * it is another document.
 *
 * <p>All of it is a function of a seed and the position: to go to a position costs nothing.
 *
 * @since 0.1
 */
public final class TokenStreams implements BatchSource {
  /** The share of rows that begin fresh within a piece by default. */
  public static final double FRESH = 1.0 / 16;

  /** The most rows of a piece. */
  private static final int LONGEST = 64;

  /** There are to be so many pieces for each row of a batch, where the text is long enough. */
  private static final int PIECES_PER_ROW = 4;

  private static final int ORDER = 1;
  private static final int PLACE = 2;
  private static final int BEGIN = 3;

  private final TokenText text;
  private final int rows;
  private final int length;
  private final int groups;
  private final double freshShare;
  private final long seed;
  private final int pieceRows;
  private final long pieces;
  private long position;

  /**
   * Begins at position 0.
   *
   * @param text of at least {@code length + 1} tokens
   * @param rows B, at least 1
   * @param length T, at least 1
   * @param groups the batches of a step, at least 1
   * @param freshShare the probability, 0…1, that a row begins from nothing
   * @param seed of the order and of the beginnings
   * @throws IllegalArgumentException if these are out of their ranges, or the text is too short
   */
  public TokenStreams(
      TokenText text, int rows, int length, int groups, double freshShare, long seed) {
    this.text = Args.present("a text", text);
    Rows.requireShape(rows, length);
    if (groups < 1) {
      throw new IllegalArgumentException("expected at least 1 batch a step, got " + groups);
    }
    if (!(freshShare >= 0 && freshShare <= 1)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected a share of fresh rows in 0..1, got %s", freshShare));
    }
    long segments = (text.count() - 1) / length;
    if (segments < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected a text of at least %d tokens, a row of %d and its last target, got %d",
              length + 1L,
              length,
              text.count()));
    }
    this.rows = rows;
    this.length = length;
    this.groups = groups;
    this.freshShare = freshShare;
    this.seed = seed;
    pieceRows =
        (int) Math.max(1, Math.min(LONGEST, segments / ((long) PIECES_PER_ROW * rows * groups)));
    pieces = segments / pieceRows;
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
    long turn = position / groups;
    for (int row = 0; row < rows; row++) {
      long stream = position % groups * rows + row;
      batch.put(row, 0, text, begin(stream, turn), length);
      double chance = Counter.unit(Counter.bits(seed, BEGIN, stream, turn));
      if (turn % pieceRows == 0 || chance < freshShare) {
        batch.fresh(row);
      }
    }
    position++;
    return batch.toBatch();
  }

  /** Returns the token of the text with which a row of a stream begins. */
  private int begin(long stream, long turn) {
    long number = turn / pieceRows * rows * groups + stream;
    long round = number / pieces;
    long key = Counter.bits(seed, ORDER, round, 0);
    long piece = Counter.permuted(key, pieces, number % pieces);
    long segment = piece * pieceRows + turn % pieceRows;
    // What the pieces leave over, at one end in this round and at the other in the next.
    long over = text.count() - 1 - pieces * pieceRows * length;
    long shift = Counter.below(Counter.bits(seed, PLACE, round, 0), over + 1);
    return (int) (shift + segment * length);
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
