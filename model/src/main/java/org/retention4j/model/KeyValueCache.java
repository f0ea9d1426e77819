package org.retention4j.model;

import java.util.SplittableRandom;
import org.retention4j.engine.Arena;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.ElementType;

/** The keys and values of a batch of sequences: preallocated, written in place. */
final class KeyValueCache implements MixerMemory {
  private final AttentionConfig config;
  private final ElementType type;
  private final int capacity;
  private final CacheHead[] heads;
  private final long[] position;
  private final Arena arena = new Arena();
  private boolean closed;

  KeyValueCache(AttentionConfig config, ElementType type, int batch, int capacity) {
    if (batch < 1 || capacity < 1) {
      throw new IllegalArgumentException(
          "expected batch >= 1 and capacity >= 1, got " + batch + " and " + capacity);
    }
    this.config = config;
    this.type = type;
    this.capacity = capacity;
    position = new long[batch];
    heads = new CacheHead[batch * config.kvHeads()];
    for (int i = 0; i < heads.length; i++) {
      heads[i] = CacheHead.create(type, capacity, config.headWidth(), config.headWidth());
      arena.account(heads[i].bytes());
    }
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

  int capacity() {
    return capacity;
  }

  CacheHead head(int row, int kvHead) {
    return heads[row * config.kvHeads() + kvHead];
  }

  void moved(int row, int tokens) {
    position[row] += tokens;
  }

  @Override
  public long position(int row) {
    return position[row];
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
  public void fillRandom(long seed, int depth) {
    if (depth < 0 || depth > capacity) {
      throw new IllegalArgumentException(
          "expected a position in 0.." + capacity + ", got " + depth);
    }
    SplittableRandom random = new SplittableRandom(seed);
    for (CacheHead head : heads) {
      for (int t = 0; t < depth; t++) {
        for (int i = 0; i < config.headWidth(); i++) {
          head.setKey(t, i, 2 * random.nextDouble() - 1);
          head.setValue(t, i, 2 * random.nextDouble() - 1);
        }
      }
    }
    java.util.Arrays.fill(position, depth);
  }

  @Override
  public void close() {
    closed = true;
    arena.close();
    java.util.Arrays.fill(heads, null);
  }

  @Override
  public String toString() {
    return "a key/value cache of batch " + batch() + " and capacity " + capacity + ", " + config;
  }
}
