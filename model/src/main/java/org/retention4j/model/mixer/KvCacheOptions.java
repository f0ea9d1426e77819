package org.retention4j.model.mixer;

import java.util.Optional;
import org.retention4j.engine.ops.CacheType;

/**
 * How keys and values of earlier tokens are kept; a state of fixed size needs none of it.
 *
 * @param maxTokens the most tokens a cache may hold per sequence, at least 1
 * @param initialTokens the tokens a cache has room for from the beginning; it grows by doubling, up
 *     to maxTokens
 * @param cacheType type of a cache's elements; empty for the engine's own
 * @since 0.1
 */
public record KvCacheOptions(int maxTokens, int initialTokens, Optional<CacheType> cacheType) {
  /** A cache of at most 32768 tokens of the engine's type that begins small. */
  public static final KvCacheOptions DEFAULT = new KvCacheOptions(32768, 256);

  /** Checks the ranges. */
  public KvCacheOptions {
    if (maxTokens < 1 || initialTokens < 0) {
      throw new IllegalArgumentException(
          "expected maxTokens >= 1 and initialTokens >= 0, got "
              + maxTokens
              + " and "
              + initialTokens);
    }
    if (cacheType == null) {
      throw new IllegalArgumentException("expected an optional type of a cache, got null");
    }
  }

  /** A cache of the engine's own type. */
  public KvCacheOptions(int maxTokens, int initialTokens) {
    this(maxTokens, initialTokens, Optional.empty());
  }

  /** Returns a cache that has room for all its tokens from the beginning. */
  public static KvCacheOptions preallocated(int tokens) {
    return new KvCacheOptions(tokens, tokens);
  }

  /** Returns the same with another limit. */
  public KvCacheOptions withMaxTokens(int tokens) {
    return new KvCacheOptions(tokens, Math.min(initialTokens, tokens), cacheType);
  }

  /** Returns the same with another element type. */
  public KvCacheOptions withCacheType(CacheType type) {
    if (type == null) {
      throw new IllegalArgumentException("expected a type of a cache, got null");
    }
    return new KvCacheOptions(maxTokens, initialTokens, Optional.of(type));
  }
}
