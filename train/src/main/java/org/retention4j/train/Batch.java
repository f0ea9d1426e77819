package org.retention4j.train;

import java.util.Locale;
import org.retention4j.args.Args;
import org.retention4j.core.Resets;

/**
 * Tokens to learn from: B rows of T.
 *
 * @param tokens (B,T) ids
 * @param targets (B,T) the id that should follow each, {@link #UNLABELLED} where nothing is learnt;
 *     padding is unlabelled and stands at the end of a row
 * @param starts tokens inside the rows at which a sequence begins: packed rows
 * @param fresh (B) whether a row begins from nothing; any other goes on from the states in which
 *     the row of its index ended in the batch before, without gradients
 * @since 0.1
 */
public record Batch(int[][] tokens, int[][] targets, Resets starts, boolean[] fresh) {
  /** The target of a token of which nothing is learnt. */
  public static final int UNLABELLED = -1;

  /** Checks the shapes. */
  public Batch {
    Args.present("tokens", tokens);
    Args.present("targets", targets);
    Args.present("starts of sequences", starts);
    Args.present("which rows are fresh", fresh);
    if (tokens.length < 1 || targets.length != tokens.length || fresh.length != tokens.length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected at least one row, and targets and fresh for each, got %d rows, %d targets,"
                  + " %d fresh",
              tokens.length,
              targets.length,
              fresh.length));
    }
    int count = Args.present("a row of tokens", tokens[0]).length;
    for (int b = 0; b < tokens.length; b++) {
      if (tokens[b].length != count || targets[b].length != count || count < 1) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected rows of one length T >= 1, got row %d of %d tokens and %d targets, and"
                    + " row 0 of %d",
                b,
                tokens[b].length,
                targets[b].length,
                count));
      }
    }
  }

  /** Makes a batch of whole rows that begin from nothing. */
  public static Batch of(int[][] tokens, int[][] targets) {
    boolean[] fresh = new boolean[Args.present("tokens", tokens).length];
    java.util.Arrays.fill(fresh, true);
    return new Batch(tokens, targets, Resets.none(), fresh);
  }

  /** Returns B. */
  public int rows() {
    return tokens.length;
  }

  /** Returns T. */
  public int length() {
    return tokens[0].length;
  }

  /** Returns how many tokens are labelled. */
  public int labelled() {
    int count = 0;
    for (int[] row : targets) {
      for (int target : row) {
        count += target == UNLABELLED ? 0 : 1;
      }
    }
    return count;
  }
}
