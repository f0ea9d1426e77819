package org.retention4j.model;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.retention4j.engine.Arena;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.CacheType;
import org.retention4j.engine.ElementType;

/** The keys and values of a batch of sequences: written in place, growing by doubling. */
final class KeyValueCache implements MixerMemory {
  private final AttentionConfig config;
  private final CacheType type;
  private final int limit;
  private final CacheHead[] heads;
  private final long[] position;
  private final Arena arena = new Arena();
  private boolean closed;

  KeyValueCache(AttentionConfig config, ElementType engine, int batch, MemoryOptions options) {
    this(config, cacheType(engine, options), options.maxTokens(), new int[batch]);
    for (int i = 0; i < heads.length; i++) {
      heads[i] = CacheHead.create(type, config.headWidth(), config.headWidth());
    }
    reserve(Math.min(options.initialTokens(), limit));
  }

  private KeyValueCache(AttentionConfig config, CacheType type, int limit, int[] rows) {
    if (rows.length < 1) {
      throw new IllegalArgumentException("expected batch >= 1, got " + rows.length);
    }
    this.config = config;
    this.type = type;
    this.limit = limit;
    position = new long[rows.length];
    heads = new CacheHead[rows.length * config.kvHeads()];
  }

  private static CacheType cacheType(ElementType engine, MemoryOptions options) {
    CacheType type = options.cacheType() == null ? CacheType.of(engine) : options.cacheType();
    if (type == CacheType.FLOAT64 != (engine == ElementType.FLOAT64)) {
      throw new IllegalArgumentException(
          String.format(
              "expected a cache of %s for a %s engine, got %s",
              engine == ElementType.FLOAT64 ? "FLOAT64" : "FLOAT32 or BFLOAT16", engine, type));
    }
    return type;
  }

  AttentionConfig config() {
    return config;
  }

  boolean closed() {
    return closed;
  }

  int batch() {
    return position.length;
  }

  CacheHead head(int row, int kvHead) {
    return heads[row * config.kvHeads() + kvHead];
  }

  void moved(int row, int tokens) {
    position[row] += tokens;
  }

  /** Makes room for so many tokens in a row; once there is room this does nothing. */
  void reserve(int row, long tokens) {
    for (int h = 0; h < config.kvHeads(); h++) {
      CacheHead head = head(row, h);
      int needed = CacheHead.blocksFor((int) tokens);
      int old = head.blocks();
      if (needed > old) {
        int most = CacheHead.blocksFor(limit);
        int blocks = Math.max(needed, Math.min(2 * old, most));
        head.grow(blocks);
        arena.account(CacheHead.bytes(type, blocks - old, config.headWidth(), config.headWidth()));
      }
    }
  }

  private void reserve(int tokens) {
    for (int b = 0; b < batch(); b++) {
      reserve(b, tokens);
    }
  }

  @Override
  public long position(int row) {
    return position[row];
  }

  @Override
  public long limit() {
    return limit;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public long formulaBytes() {
    long tokens = 0;
    for (long p : position) {
      tokens += p;
    }
    return 2L * config.kvHeads() * config.headWidth() * tokens * type.bytes();
  }

  @Override
  public KeyValueCache select(int... rows) {
    KeyValueCache copy = new KeyValueCache(config, type, limit, rows);
    for (int i = 0; i < rows.length; i++) {
      copy.position[i] = position[rows[i]];
      int blocks = CacheHead.blocksFor((int) position[rows[i]]);
      for (int h = 0; h < config.kvHeads(); h++) {
        copy.heads[i * config.kvHeads() + h] = head(rows[i], h).copy(blocks);
        copy.arena.account(CacheHead.bytes(type, blocks, config.headWidth(), config.headWidth()));
      }
    }
    return copy;
  }

  /** Positions at a moment: what stands before them is never overwritten. */
  private record Positions(KeyValueCache of, long[] at) implements Mark {
    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void close() {}
  }

  @Override
  public Mark mark() {
    return new Positions(this, position.clone());
  }

  @Override
  public void rollback(Mark mark) {
    if (!(mark instanceof Positions positions) || positions.of() != this) {
      throw new IllegalArgumentException("expected a mark of this cache, got another");
    }
    System.arraycopy(positions.at(), 0, position, 0, position.length);
  }

  @Override
  public void fillRandom(long seed, int depth) {
    if (depth < 0 || depth > limit) {
      throw new IllegalArgumentException("expected a position in 0.." + limit + ", got " + depth);
    }
    reserve(depth);
    SplittableRandom random = new SplittableRandom(seed);
    for (CacheHead head : heads) {
      for (int t = 0; t < depth; t++) {
        for (int i = 0; i < config.headWidth(); i++) {
          head.setKey(t, i, 2 * random.nextDouble() - 1);
          head.setValue(t, i, 2 * random.nextDouble() - 1);
        }
      }
    }
    Arrays.fill(position, depth);
  }

  @Override
  public void close() {
    closed = true;
    arena.close();
    Arrays.fill(heads, null);
  }

  @Override
  public String toString() {
    return "a key/value cache of batch " + batch() + " and limit " + limit + ", " + config;
  }
}
