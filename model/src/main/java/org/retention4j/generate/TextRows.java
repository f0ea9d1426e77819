package org.retention4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.retention4j.core.Resets;

/**
 * Lays short texts into rows, so that the chunks of a form cut each of them where they cut it when
 * it is alone: one that is longer than a chunk begins where a chunk does, a shorter one lies inside
 * one. Sums are the same then, to the bit.
 */
final class TextRows {
  private static final int NONE = -1;

  /** So many rows are laid at once: enough to choose from for few places to stay free. */
  private static final int ROWS = 16;

  private final int length;
  private final int grid;
  private final List<int[]> texts = new ArrayList<>();
  private int tokens;

  /**
   * Makes none.
   *
   * @param length the most tokens of a row
   * @param grid tokens of a chunk; a row's length or more where a sequence may be cut anywhere
   */
  TextRows(int length, int grid) {
    this.length = length;
    this.grid = Math.min(grid, length);
  }

  /** Returns whether a text fits into a row; its last token is read by none. */
  boolean fits(int[] text) {
    return text.length - 1 <= length / grid * grid;
  }

  /** Returns whether what there is shall be read first. */
  boolean full() {
    return tokens >= ROWS * length || texts.size() >= ROWS * length;
  }

  /** Adds a text that fits. */
  void add(int[] text) {
    texts.add(text);
    tokens += Math.max(0, text.length - 1);
  }

  /** Returns how many scores there will be: of each text all tokens but the first. */
  int scores() {
    return tokens;
  }

  void clear() {
    texts.clear();
    tokens = 0;
  }

  /** A row, with who is to be scored after each token. */
  static final class Row {
    private final int[] tokens;
    private final int[] next;
    private final int[] score;
    private final int[] starts;

    /** How many tokens of each chunk are taken. */
    private final int[] taken;

    private int used;
    private int begun;

    private Row(int length, int grid) {
      tokens = new int[length];
      next = new int[length];
      score = new int[length];
      starts = new int[length + 1];
      taken = new int[length / grid];
      Arrays.fill(score, NONE);
    }

    /** Returns the tokens, those between texts too. */
    int[] tokens() {
      return Arrays.copyOf(tokens, used);
    }

    /** Returns where texts begin; each token between texts is one of its own. */
    Resets resets() {
      boolean[] begins = new boolean[used];
      for (int i = 0; i < begun; i++) {
        begins[starts[i]] = true;
      }
      for (int t = 0; t < used; t++) {
        begins[t] |= score[t] == NONE;
      }
      return Resets.mask(new boolean[][] {begins});
    }

    /** Returns the number of the score that a token's logits give, −1 for none. */
    int score(int t) {
      return score[t];
    }

    /** Returns the token that comes after one in its text. */
    int next(int t) {
      return next[t];
    }

    /** Puts a text in if there is a place for it. */
    private boolean take(int[] text, int firstScore, int grid) {
      int n = text.length - 1;
      int at = n > grid ? freeChunks(n, grid) : freePlace(n, grid);
      if (at == NONE) {
        return false;
      }
      for (int i = 0; i < n; i++) {
        tokens[at + i] = text[i];
        next[at + i] = text[i + 1];
        score[at + i] = firstScore + i;
      }
      starts[begun++] = at;
      used = Math.max(used, at + n);
      for (int left = n, c = at / grid; left > 0; left -= grid, c++) {
        taken[c] += Math.min(left, grid);
      }
      return true;
    }

    private int freePlace(int n, int grid) {
      for (int c = 0; c < taken.length; c++) {
        if (taken[c] + n <= grid) {
          return c * grid + taken[c];
        }
      }
      return NONE;
    }

    private int freeChunks(int n, int grid) {
      int wanted = (n + grid - 1) / grid;
      int free = 0;
      for (int c = 0; c < taken.length; c++) {
        free = taken[c] == 0 ? free + 1 : 0;
        if (free == wanted) {
          return (c + 1 - wanted) * grid;
        }
      }
      return NONE;
    }
  }

  /** Lays the texts: the longest first, each into the first row that has a place. */
  List<Row> rows() {
    int[] firstScore = new int[texts.size()];
    for (int i = 1; i < firstScore.length; i++) {
      firstScore[i] = firstScore[i - 1] + Math.max(0, texts.get(i - 1).length - 1);
    }
    int[] order =
        IntStream.range(0, texts.size())
            .filter(i -> texts.get(i).length > 1)
            .boxed()
            .sorted(Comparator.comparingInt(i -> -texts.get(i).length))
            .mapToInt(i -> i)
            .toArray();
    List<Row> rows = new ArrayList<>();
    for (int i : order) {
      int[] text = texts.get(i);
      boolean laid = false;
      for (int r = 0; r < rows.size() && !laid; r++) {
        laid = rows.get(r).take(text, firstScore[i], grid);
      }
      if (!laid) {
        Row row = new Row(length, grid);
        row.take(text, firstScore[i], grid);
        rows.add(row);
      }
    }
    return rows;
  }
}
