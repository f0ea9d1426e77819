package org.retention4j.engine;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * The keys and values of one key/value head of one sequence, for softmax attention: written in
 * place, contiguous per head in blocks of {@value #BLOCK} tokens, which are added when the cache
 * grows. Keys lie transposed in a block, so that both products of a decoding step stream rows.
 */
public final class CacheHead {
  /** Tokens of a block. */
  public static final int BLOCK = 256;

  private final CacheType type;
  private final int keyWidth;
  private final int valueWidth;

  /** By block: (K, block) and (block, V); null where the tokens were dropped. */
  private CacheRows[] keys = {};

  private CacheRows[] values = {};

  /** Keys and values in turn of blocks that were dropped, to be used again. */
  private final Deque<CacheRows> spare = new ArrayDeque<>();

  private int dropped;

  private CacheHead(CacheType type, int keyWidth, int valueWidth) {
    this.type = type;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
  }

  /**
   * Returns an empty cache.
   *
   * @param type FLOAT64 for a float64 engine and no other
   */
  public static CacheHead create(CacheType type, int keyWidth, int valueWidth) {
    return new CacheHead(type, keyWidth, valueWidth);
  }

  /** Returns the number of blocks that hold a number of tokens. */
  public static int blocksFor(int tokens) {
    return (tokens + BLOCK - 1) / BLOCK;
  }

  /** Makes room for so many blocks; what is there stays. Returns how many had to be allocated. */
  public int grow(int blocks) {
    int old = keys.length;
    keys = Arrays.copyOf(keys, Math.max(old, blocks));
    values = Arrays.copyOf(values, keys.length);
    int allocated = 0;
    for (int i = old; i < keys.length; i++) {
      if (spare.isEmpty()) {
        keys[i] = CacheRows.create(type, keyWidth, BLOCK);
        values[i] = CacheRows.create(type, BLOCK, valueWidth);
        allocated++;
      } else {
        keys[i] = spare.remove();
        values[i] = spare.remove();
      }
    }
    return allocated;
  }

  /** Gives up the first blocks, whose tokens nobody will see again: later ones use their memory. */
  public void drop(int blocks) {
    for (; dropped < Math.min(blocks, keys.length); dropped++) {
      spare.add(keys[dropped]);
      spare.add(values[dropped]);
      keys[dropped] = null;
      values[dropped] = null;
    }
  }

  /** Returns the number of blocks there is room for, with those that were dropped. */
  public int blocks() {
    return keys.length;
  }

  /** Returns the number of blocks at the beginning that were dropped. */
  public int dropped() {
    return dropped;
  }

  /** Returns an independent cache with the first blocks' contents. */
  public CacheHead copy(int copiedBlocks) {
    CacheHead copy = new CacheHead(type, keyWidth, valueWidth);
    copy.keys = copy(keys, copiedBlocks);
    copy.values = copy(values, copiedBlocks);
    copy.dropped = Math.min(dropped, copiedBlocks);
    return copy;
  }

  private static CacheRows[] copy(CacheRows[] blocks, int count) {
    CacheRows[] copy = new CacheRows[count];
    for (int i = 0; i < count; i++) {
      copy[i] = blocks[i] == null ? null : blocks[i].copy();
    }
    return copy;
  }

  /** Returns the transposed keys of a block (K, block). */
  CacheRows keys(int block) {
    return keys[block];
  }

  /** Returns the values of a block (block, V). */
  CacheRows values(int block) {
    return values[block];
  }

  /** Returns the width of a key. */
  public int keyWidth() {
    return keyWidth;
  }

  /** Returns the width of a value. */
  public int valueWidth() {
    return valueWidth;
  }

  /** Sets one element of a key. */
  public void setKey(int token, int element, double value) {
    keys[token / BLOCK].set(element, token % BLOCK, value);
  }

  /** Sets one element of a value. */
  public void setValue(int token, int element, double value) {
    values[token / BLOCK].set(token % BLOCK, element, value);
  }

  /** Returns the bytes of so many blocks of a type. */
  public static long bytes(CacheType type, int blocks, int keyWidth, int valueWidth) {
    return (long) type.bytes() * blocks * BLOCK * (keyWidth + valueWidth);
  }
}
