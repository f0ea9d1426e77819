package org.retention4j.cache;

import java.nio.file.Path;
import java.util.Optional;
import org.retention4j.args.Args;
import org.retention4j.core.form.MicroBatches;

/**
 * What a {@link PrefixCache} keeps, and where.
 *
 * @param piece so many tokens are read at once, 1…512, and beginnings are found again at multiples
 *     of it: fewer are found deeper, more are read faster. A multiple of the chunk of the form for
 *     prefill saves it from short chunks
 * @param every keeps the beginning at each multiple of so many tokens, itself a multiple of piece;
 *     0 for none
 * @param ends whether a prompt is kept as far as it was read in whole pieces, for those that go on
 *     from it, and at its end, for the same again
 * @param junctions whether the place is kept where a prompt parts from one that was read before it
 * @param mostBytes of memory, at least 0; what is in use at the moment when it is to go may exceed
 *     it for that moment
 * @param folder where beginnings are kept as files too, which may be shared with other processes
 * @param mostDiskBytes of the files in the folder, at least 0; those that were used longest ago go
 *     first
 * @since 0.1
 */
public record PrefixCacheOptions(
    int piece,
    int every,
    boolean ends,
    boolean junctions,
    long mostBytes,
    Optional<Path> folder,
    long mostDiskBytes) {
  private static final long MEBIBYTE = 1L << 20;

  /** Ends and junctions in pieces of 256 tokens, 512 MiB of memory and no folder. */
  public static final PrefixCacheOptions DEFAULT =
      new PrefixCacheOptions(256, 0, true, true, 512 * MEBIBYTE, Optional.empty(), 0);

  /** Checks the ranges. */
  public PrefixCacheOptions {
    if (piece < 1 || piece > MicroBatches.ROWS) {
      throw new IllegalArgumentException(
          "expected pieces of 1.." + MicroBatches.ROWS + " tokens, got " + piece);
    }
    if (every < 0 || every % piece != 0) {
      throw new IllegalArgumentException(
          "expected a multiple of the piece, " + piece + ", or 0, got " + every);
    }
    if (mostBytes < 0 || mostDiskBytes < 0) {
      throw new IllegalArgumentException(
          "expected limits >= 0 bytes, got " + mostBytes + " and " + mostDiskBytes);
    }
    Args.present("an optional folder", folder);
  }

  /** Returns the same with pieces of another length, and none kept at multiples. */
  public PrefixCacheOptions withPiece(int tokens) {
    return new PrefixCacheOptions(tokens, 0, ends, junctions, mostBytes, folder, mostDiskBytes);
  }

  /** Returns the same with beginnings kept at other multiples, 0 for none. */
  public PrefixCacheOptions withEvery(int tokens) {
    return new PrefixCacheOptions(piece, tokens, ends, junctions, mostBytes, folder, mostDiskBytes);
  }

  /** Returns the same with ends of prompts kept, or not. */
  public PrefixCacheOptions withEnds(boolean value) {
    return new PrefixCacheOptions(piece, every, value, junctions, mostBytes, folder, mostDiskBytes);
  }

  /** Returns the same with junctions kept, or not. */
  public PrefixCacheOptions withJunctions(boolean value) {
    return new PrefixCacheOptions(piece, every, ends, value, mostBytes, folder, mostDiskBytes);
  }

  /** Returns the same with another limit of memory. */
  public PrefixCacheOptions withMostBytes(long bytes) {
    return new PrefixCacheOptions(piece, every, ends, junctions, bytes, folder, mostDiskBytes);
  }

  /** Returns the same with files in a folder, which is made where it is not there. */
  public PrefixCacheOptions withFolder(Path path, long mostBytesOfFiles) {
    Optional<Path> there = Optional.of(Args.present("a folder", path));
    return new PrefixCacheOptions(
        piece, every, ends, junctions, mostBytes, there, mostBytesOfFiles);
  }
}
