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

  /** By block from the first that was not dropped: (K, block) and (block, V). */
  private CacheRows[] keys = {};

  private CacheRows[] values = {};

  /** By block: whether a value that is not finite was ever written to it. */
  private boolean[] nonFinite = {};

  /** Keys and values in turn of blocks that were dropped, to be used again. */
  private final Deque<CacheRows> spare = new ArrayDeque<>();

  private int live;
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
  public static int blocksFor(long tokens) {
    return Math.toIntExact((tokens + BLOCK - 1) / BLOCK);
  }

  /** Makes room for so many blocks; what is there stays. Returns how many had to be allocated. */
  public int grow(int blocks) {
    int wanted = blocks - dropped;
    if (wanted > keys.length) {
      keys = Arrays.copyOf(keys, wanted);
      values = Arrays.copyOf(values, wanted);
      nonFinite = Arrays.copyOf(nonFinite, wanted);
    }
    int allocated = 0;
    for (; live < wanted; live++) {
      nonFinite[live] = false;
      if (spare.isEmpty()) {
        keys[live] = CacheRows.create(type, keyWidth, BLOCK);
        values[live] = CacheRows.create(type, BLOCK, valueWidth);
        allocated++;
      } else {
        keys[live] = spare.remove();
        values[live] = spare.remove();
      }
    }
    return allocated;
  }

  /** Gives up the first blocks, whose tokens nobody will see again: later ones use their memory. */
  public void drop(int blocks) {
    int gone = Math.min(blocks - dropped, live);
    if (gone <= 0) {
      return;
    }
    for (int i = 0; i < gone; i++) {
      spare.add(keys[i]);
      spare.add(values[i]);
    }
    live -= gone;
    dropped += gone;
    System.arraycopy(keys, gone, keys, 0, live);
    System.arraycopy(values, gone, values, 0, live);
    System.arraycopy(nonFinite, gone, nonFinite, 0, live);
    Arrays.fill(keys, live, keys.length, null);
    Arrays.fill(values, live, values.length, null);
  }

  /** Returns the number of blocks there is room for, with those that were dropped. */
  public int blocks() {
    return dropped + live;
  }

  /** Returns the number of blocks at the beginning that were dropped. */
  public int dropped() {
    return dropped;
  }

  /** Returns an independent cache with the first blocks' contents, dropped ones counted. */
  public CacheHead copy(int blocks) {
    CacheHead copy = new CacheHead(type, keyWidth, valueWidth);
    copy.dropped = Math.min(dropped, blocks);
    copy.live = blocks - copy.dropped;
    copy.keys = copy(keys, copy.live);
    copy.values = copy(values, copy.live);
    copy.nonFinite = Arrays.copyOf(nonFinite, copy.live);
    return copy;
  }

  private static CacheRows[] copy(CacheRows[] blocks, int count) {
    CacheRows[] copy = new CacheRows[count];
    for (int i = 0; i < count; i++) {
      copy[i] = blocks[i].copy();
    }
    return copy;
  }

  /** Returns the transposed keys of a block (K, block). */
  CacheRows keys(int block) {
    return keys[block - dropped];
  }

  /** Returns the values of a block (block, V). */
  CacheRows values(int block) {
    return values[block - dropped];
  }

  /** Notes that a token's value is not finite. */
  void noteNonFinite(int token) {
    nonFinite[token / BLOCK - dropped] = true;
  }

  /** Returns whether a value that is not finite may stand in a block. */
  public boolean nonFinite(int block) {
    return nonFinite[block - dropped];
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
    keys(token / BLOCK).set(element, token % BLOCK, value);
  }

  /** Sets one element of a value. */
  public void setValue(int token, int element, double value) {
    values(token / BLOCK).set(token % BLOCK, element, value);
  }

  /** Returns the bytes of so many blocks of a type. */
  public static long bytes(CacheType type, int blocks, int keyWidth, int valueWidth) {
    return (long) type.bytes() * blocks * BLOCK * (keyWidth + valueWidth);
  }
}
