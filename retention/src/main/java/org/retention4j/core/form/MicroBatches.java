package org.retention4j.core.form;

/**
 * How many tokens of each sequence are computed at once: enough for products to be fast, and no
 * more, for buffers grow with them.
 *
 * @param multiple of how many tokens micro-batches are made when there are several; {@link
 *     Integer#MAX_VALUE} where a sequence is wanted whole
 * @since 0.1
 */
public record MicroBatches(int multiple) {
  /** So many rows of all sequences together keep products fast; more only make buffers larger. */
  public static final int ROWS = 512;

  /** Sequences are never cut. */
  public static final MicroBatches WHOLE = new MicroBatches(Integer.MAX_VALUE);

  /** Sequences may be cut anywhere: micro-batches are full but for the last. */
  public static final MicroBatches FULL = new MicroBatches(ROWS);

  /** Sizes are multiples of this: for few sizes much is found prepared. */
  private static final int STEP = 64;

  /**
   * Checks the multiple.
   *
   * @throws IllegalArgumentException if it is less than 1
   */
  public MicroBatches {
    if (multiple < 1) {
      throw new IllegalArgumentException(
          "expected micro-batches of a multiple of at least 1 token, got " + multiple);
    }
  }

  /** Returns micro-batches that suit both. */
  public MicroBatches and(MicroBatches other) {
    return whole() || other.whole() ? WHOLE : multiple <= other.multiple ? this : other;
  }

  private boolean whole() {
    return multiple == Integer.MAX_VALUE;
  }

  /**
   * Returns the tokens of a micro-batch where all sequences are of one length and their inputs lie
   * in one array: micro-batches of about {@value #ROWS} tokens, equally long, so that the last one
   * wastes little.
   *
   * @param tokens T of each sequence
   * @return at least 1
   */
  public int tokens(int tokens) {
    int count = ceil(tokens, ROWS);
    if (whole() || count <= 1) {
      return Math.max(1, tokens);
    }
    return ceil(ceil(tokens, count), multiple) * multiple;
  }

  /**
   * Returns the tokens of a micro-batch where sequences share {@value #ROWS} rows, so that buffers
   * do not grow with the batch.
   *
   * @param longest T of the longest sequence
   * @param batch B, at least 1
   * @return at least 1
   */
  public int tokens(int longest, int batch) {
    int share = Math.max(STEP, ROWS / batch / STEP * STEP);
    return whole() ? Math.max(1, longest) : Math.min(share, tokens(longest));
  }

  /**
   * Returns the size to bind for some tokens: the next power of two up to 8, then the next quarter
   * of one, but at least 4 and at most {@value #STEP} tokens more. So bindings are found again, and
   * little is computed for nothing.
   */
  public static int bound(int tokens) {
    if (tokens <= 1) {
      return 1;
    }
    int power = Integer.highestOneBit(tokens - 1);
    int step = power < 8 ? power : Math.min(STEP, Math.max(4, power / 4));
    return ceil(tokens, step) * step;
  }

  private static int ceil(int a, int b) {
    return (int) (((long) a + b - 1) / b);
  }
}
