package org.retention4j.train.data;

import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.train.Batch;

/**
 * A held-out text in windows of T tokens, one behind the other; where there are more than are
 * wanted, as many of them all over the text. The last may be shorter, and is padded.
 *
 * @since 0.1
 */
public final class HeldOutWindows {
  private final TokenText text;
  private final int rows;
  private final int length;
  private final long windows;
  private final long chosen;

  /**
   * Cuts a text.
   *
   * @param rows B of the batches, at least 1
   * @param length T of the batches, at least 1
   * @param mostTokens of all windows together, at least 1; a window is taken whole
   * @throws IllegalArgumentException if these are out of their ranges
   */
  public HeldOutWindows(TokenText text, int rows, int length, long mostTokens) {
    this.text = Args.present("a text", text);
    Rows.requireShape(rows, length);
    if (mostTokens < 1) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected at least 1 held-out token, got %d", mostTokens));
    }
    this.rows = rows;
    this.length = length;
    windows = (Math.max(0L, text.count() - 1) + length - 1) / length;
    chosen = Math.min(windows, Math.max(1, mostTokens / length));
  }

  /** Returns how many batches there are; none for a text without a second token. */
  public int batches() {
    return (int) ((chosen + rows - 1) / rows);
  }

  /**
   * Returns a batch, all of whose rows are fresh. Rows of the last that are left over are padding.
   *
   * @param index 0…batches() − 1
   */
  public Batch batch(int index) {
    Rows batch = new Rows(rows, length);
    for (int row = 0; row < rows; row++) {
      batch.fresh(row);
      long number = (long) index * rows + row;
      if (number < chosen) {
        int begin = (int) (number * windows / chosen * length);
        batch.put(row, 0, text, begin, Math.min(length, text.count() - 1 - begin));
      }
    }
    return batch.toBatch();
  }
}
