package org.retention4j.checkpoint;

import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.format.DType;

/**
 * How a checkpoint is written.
 *
 * @param dtype F64, F32, F16 or BF16; empty keeps each tensor of a converted checkpoint as it is
 * @param shardBytes the most bytes of data in a file, &gt;= 1, but for a tensor that is larger
 *     alone
 * @param replace whether a checkpoint in the folder, and files that have the names of new ones, are
 *     replaced; all others stay whatever this says
 * @param progress is told of every tensor
 * @since 0.1
 */
public record WriteOptions(
    Optional<DType> dtype, long shardBytes, boolean replace, LoadOptions.Progress progress) {
  /** The most bytes of data in a file by default. */
  public static final long SHARD_BYTES = 5_000_000_000L;

  /** Each tensor as it is, where none was before, in silence. */
  public static final WriteOptions DEFAULT =
      new WriteOptions(Optional.empty(), SHARD_BYTES, false, (name, bytes) -> {});

  /** Checks the range. */
  public WriteOptions {
    if (shardBytes < 1) {
      throw new IllegalArgumentException("expected shardBytes >= 1, got " + shardBytes);
    }
    Args.present("a type of weights, or none", dtype);
    Args.present("a listener", progress);
    if (dtype.isPresent() && !dtype.get().isWeight()) {
      throw new IllegalArgumentException("expected F64, F32, F16 or BF16, got " + dtype.get());
    }
  }

  /** Returns the same with weights of another type. */
  public WriteOptions withDType(DType type) {
    return new WriteOptions(
        Optional.of(Args.present("a type of weights", type)), shardBytes, replace, progress);
  }

  /** Returns the same with files of another size. */
  public WriteOptions withShardBytes(long bytes) {
    return new WriteOptions(dtype, bytes, replace, progress);
  }

  /** Returns the same, but what is there already is replaced, or is not. */
  public WriteOptions withReplace(boolean value) {
    return new WriteOptions(dtype, shardBytes, value, progress);
  }

  /** Returns the same with another listener. */
  public WriteOptions withProgress(LoadOptions.Progress listener) {
    return new WriteOptions(dtype, shardBytes, replace, listener);
  }
}
