package org.retention4j.train.data;

import java.util.Arrays;
import java.util.Locale;
import org.retention4j.core.Resets;
import org.retention4j.train.Batch;

/** A batch while it is put together: rows of tokens that begin as padding, without labels. */
final class Rows {
  private final int[][] tokens;
  private final int[][] targets;
  private final boolean[][] starts;
  private final boolean[] fresh;
  private boolean anyStart;

  Rows(int rows, int length) {
    tokens = new int[rows][length];
    targets = new int[rows][length];
    for (int[] row : targets) {
      Arrays.fill(row, Batch.UNLABELLED);
    }
    starts = new boolean[rows][length];
    fresh = new boolean[rows];
  }

  static void requireShape(int rows, int length) {
    if (rows < 1 || length < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected batches of at least 1 row of at least 1 token, got %d rows of %d",
              rows,
              length));
    }
  }

  static void requirePosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("expected a position of at least 0, got " + position);
    }
  }

  void fresh(int row) {
    fresh[row] = true;
  }

  /** A sequence begins before a token: at the first of a row that is a fresh row. */
  void start(int row, int at) {
    if (at == 0) {
      fresh[row] = true;
    } else {
      starts[row][at] = true;
      anyStart = true;
    }
  }

  /** Puts tokens of a text into a row; the last of a document has no target. */
  void put(int row, int at, TokenText text, int from, int count) {
    int next = text.firstFrom(from);
    for (int i = 0; i < count; i++) {
      tokens[row][at + i] = text.token(from + i);
      if (text.start(next) == from + i) {
        next++;
        start(row, at + i);
      }
      int following = from + i + 1;
      if (following < text.count() && text.start(next) != following) {
        targets[row][at + i] = text.token(following);
      }
    }
  }

  Batch toBatch() {
    return new Batch(tokens, targets, anyStart ? Resets.mask(starts) : Resets.none(), fresh);
  }
}
