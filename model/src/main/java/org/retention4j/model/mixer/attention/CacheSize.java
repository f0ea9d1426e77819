package org.retention4j.model.mixer.attention;

import org.retention4j.core.form.MicroBatches;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.StateSize;

/** What the keys and values of a sequence take. */
final class CacheSize {
  private CacheSize() {}

  /** Returns what one sequence takes at a length. */
  static StateSize of(
      AttentionConfig config, ElementType engine, KvCacheOptions options, long length) {
    CacheType type = KeyValueCache.cacheType(engine, options);
    int width = config.headWidth();
    double block = (double) config.kvHeads() * KvHead.bytes(type, 1, width, width);
    return new StateSize(
        0,
        config.cacheElements(length) * type.bytes(),
        block * heldBlocks(config, options, length));
  }

  /** Blocks double as a cache grows; under a window they are used again. */
  private static long heldBlocks(AttentionConfig config, KvCacheOptions options, long length) {
    long limit = blocks(options.maxTokens());
    long first = blocks(Math.min(options.initialTokens(), options.maxTokens()));
    long needed = blocks(length);
    if (config.windowed()) {
      // A window and a micro-batch, which may begin and end within blocks.
      long spanned = (config.window() + MicroBatches.ROWS + 2L * KvHead.BLOCK - 3) / KvHead.BLOCK;
      return Math.max(first, Math.min(needed, spanned));
    }
    long doubled = Math.max(1, first);
    while (doubled < needed) {
      doubled *= 2;
    }
    return needed <= first ? first : Math.max(needed, Math.min(doubled, limit));
  }

  private static long blocks(long tokens) {
    return tokens / KvHead.BLOCK + (tokens % KvHead.BLOCK == 0 ? 0 : 1);
  }
}
