package org.retention4j.core;

import java.util.Arrays;
import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;

/**
 * What a retention block reads. Arrays have any strides, views included, and the engine's element
 * type; they are read at each step, not copied.
 *
 * @since 0.1
 */
public final class BlockInput {
  private final INDArray x;
  private final Optional<INDArray> keyValues;
  private final Optional<LogDecay> decay;
  private final int[] lengths;
  private final Resets resets;

  private BlockInput(
      INDArray x,
      Optional<INDArray> keyValues,
      Optional<LogDecay> decay,
      int[] lengths,
      Resets resets) {
    this.x = x;
    this.keyValues = keyValues;
    this.decay = decay;
    this.lengths = lengths;
    this.resets = resets;
  }

  /**
   * Returns all T tokens of every row, with the configuration's decay.
   *
   * @param x (B,T,D), T may be 0
   * @throws IllegalArgumentException for another rank
   */
  public static BlockInput of(INDArray x) {
    Args.present("x", x);
    if (x.rank() != 3) {
      throw new IllegalArgumentException(
          "expected x of shape (B,T,D), got " + Arrays.toString(x.shape()));
    }
    int[] lengths = new int[Math.toIntExact(x.size(0))];
    Arrays.fill(lengths, Math.toIntExact(x.size(1)));
    return new BlockInput(x, Optional.empty(), Optional.empty(), lengths, Resets.none());
  }

  /**
   * Returns this input with a stream of its own for keys and values, for a block that has two
   * ({@link RetentionConfigBuilder#keyValueInput}): queries and gate are made from x.
   *
   * @param other x_kv (B,T,D_kv), as many rows and tokens as x
   * @throws IllegalArgumentException for another rank, other rows or tokens
   */
  public BlockInput withKeyValues(INDArray other) {
    Args.present("key/value stream", other);
    if (other.rank() != 3 || other.size(0) != x.size(0) || other.size(1) != x.size(1)) {
      throw new IllegalArgumentException(
          "expected a key/value stream of shape ("
              + x.size(0)
              + ","
              + x.size(1)
              + ",D_kv), as many rows and tokens as x has, got "
              + Arrays.toString(other.shape()));
    }
    return new BlockInput(x, Optional.of(other), decay, lengths, resets);
  }

  /**
   * Returns this input with a decay per token (B,T,H), gated retention.
   *
   * @throws IllegalArgumentException if the block's configuration has another constant decay, or
   *     divides outputs by what only a constant decay defines: said when the block is called
   */
  public BlockInput withDecay(LogDecay other) {
    Args.present("log decay", other);
    return new BlockInput(x, keyValues, Optional.of(other), lengths, resets);
  }

  /**
   * Returns this input with fewer tokens of some rows: padded tokens are not read, do not touch the
   * state and give 0.
   *
   * @param other (B), each in 0…T
   */
  public BlockInput withLengths(int... other) {
    Args.present("lengths", other);
    CoreChecks.checkLengths(other, x.size(0), x.size(1));
    return new BlockInput(x, keyValues, decay, other.clone(), resets);
  }

  /**
   * Returns this input with sequences that begin inside its rows: state and position start again
   * there.
   *
   * @param other of B rows of T tokens; those before padded tokens have no effect
   * @throws IllegalArgumentException for another shape
   */
  public BlockInput withResets(Resets other) {
    Args.present("resets", other);
    other.checkShape(x.size(0), x.size(1));
    return new BlockInput(x, keyValues, decay, lengths, other);
  }

  /** Returns x (B,T,D). */
  public INDArray x() {
    return x;
  }

  /** Returns x_kv (B,T,D_kv), if keys and values have a stream of their own. */
  public Optional<INDArray> keyValues() {
    return keyValues;
  }

  /** Returns the decay, if it is not the configuration's. */
  public Optional<LogDecay> decay() {
    return decay;
  }

  /** Returns where sequences begin inside the rows. */
  public Resets resets() {
    return resets;
  }

  /** Returns the tokens of each row (B). */
  public int[] lengths() {
    return lengths.clone();
  }
}
