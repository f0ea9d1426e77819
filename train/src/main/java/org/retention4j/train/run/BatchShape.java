package org.retention4j.train.run;

import java.util.Locale;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.train.data.Documents;
import org.retention4j.train.data.TokenStreams;

/**
 * What a batch is.
 *
 * @param rows B, at least 1
 * @param length T, at least 1
 * @param freshShare of the rows of streams that begin from nothing, 0…1
 * @param packed what the documents are that rows are packed with; empty for streams
 * @since 0.1
 */
public record BatchShape(int rows, int length, double freshShare, Optional<Documents> packed) {
  /** Checks the ranges. */
  public BatchShape {
    Args.present("what is packed, or nothing", packed);
    if (rows < 1 || length < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected batches of at least 1 row of at least 1 token, got %d rows of %d",
              rows,
              length));
    }
    if (!(freshShare >= 0 && freshShare <= 1)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "expected a share of fresh rows in 0..1, got %s", freshShare));
    }
  }

  /** Returns streams whose states are carried, one row of 16 fresh. */
  public static BatchShape streams(int rows, int length) {
    return new BatchShape(rows, length, TokenStreams.FRESH, Optional.empty());
  }

  /** Returns rows packed with whole documents. */
  public static BatchShape packed(int rows, int length, Documents documents) {
    return new BatchShape(rows, length, 1, Optional.of(documents));
  }

  /** Returns the same with another share of fresh rows. */
  public BatchShape withFreshShare(double share) {
    return new BatchShape(rows, length, share, packed);
  }
}
