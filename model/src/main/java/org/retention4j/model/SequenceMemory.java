package org.retention4j.model;

import java.util.function.ToLongFunction;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.CacheType;

/** What one sequence of a decoder takes in memory in an fp32 engine, by formula. */
public final class SequenceMemory {
  /** Tokens that wait beside the state until they are folded into it together. */
  private static final long PENDING = 16;

  /** The most tokens for which a cache makes room at once. */
  private static final long PIECE = 512;

  private SequenceMemory() {}

  /** Returns the bytes of all states, with the tokens that wait beside them: at any length. */
  public static long stateBytes(DecoderConfig config) {
    return config.layers().stream()
        .filter(LayerConfig::retains)
        .mapToLong(layer -> stateBytes(layer.retention()))
        .sum();
  }

  private static long stateBytes(RetentionConfig c) {
    long k = c.keyWidth();
    long v = c.valueWidth();
    return (long) Float.BYTES * c.heads() * (k * v + PENDING * (k + v));
  }

  /**
   * Returns the bytes of the keys and values that tokens can still see at a length: all of them, or
   * those of a window.
   */
  public static double cacheBytes(DecoderConfig config, CacheType type, long length) {
    return sum(config, type, attention -> Math.min(length, attention.window()));
  }

  /**
   * Returns the most bytes that caches hold at a length: blocks, which double as a cache grows, or
   * which under a window are used again once nobody sees their tokens any more.
   *
   * @param limit of the caches in tokens
   */
  public static double heldCacheBytes(
      DecoderConfig config, CacheType type, long length, long limit) {
    return sum(
        config,
        type,
        attention -> {
          long blocks = Math.max(1, blocks(length));
          if (attention.windowed()) {
            // A window and a piece, which may begin and end within blocks.
            long spanned =
                (attention.window() + PIECE + 2L * CacheHead.BLOCK - 3) / CacheHead.BLOCK;
            return CacheHead.BLOCK * Math.min(blocks, spanned);
          }
          long doubled = blocks == 1 ? 1 : 2 * Long.highestOneBit(blocks - 1);
          return CacheHead.BLOCK * Math.max(blocks, Math.min(doubled, blocks(limit)));
        });
  }

  private static long blocks(long tokens) {
    return tokens / CacheHead.BLOCK + (tokens % CacheHead.BLOCK == 0 ? 0 : 1);
  }

  private static double sum(
      DecoderConfig config, CacheType type, ToLongFunction<AttentionConfig> positions) {
    return config.layers().stream()
        .filter(layer -> !layer.retains())
        .map(LayerConfig::attention)
        .mapToDouble(
            c -> 2.0 * c.kvHeads() * c.headWidth() * type.bytes() * positions.applyAsLong(c))
        .sum();
  }
}
