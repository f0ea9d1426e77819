package org.retention4j.engine.ops;

/**
 * The keys and values of one key/value head of one sequence, for softmax attention: contiguous per
 * head in blocks of {@value #BLOCK} tokens, which are added when the cache grows.
 *
 * @since 0.1
 */
public interface KvHead {
  /** Tokens of a block. */
  int BLOCK = 256;

  /** Returns the number of blocks that hold a number of tokens. */
  static int blocksFor(long tokens) {
    return Math.toIntExact((tokens + BLOCK - 1) / BLOCK);
  }

  /** Returns the bytes of so many blocks of a type. */
  static long bytes(CacheType type, int blocks, int keyWidth, int valueWidth) {
    return (long) type.bytes() * blocks * BLOCK * (keyWidth + valueWidth);
  }

  /** Makes room for so many blocks; what is there stays. Returns how many had to be allocated. */
  int grow(int blocks);

  /** Gives up the first blocks, whose tokens nobody will see again: later ones use their memory. */
  void drop(int blocks);

  /** Counts so many blocks more as dropped, in a cache that holds no tokens. */
  void skip(int blocks);

  /** Forgets all tokens; those to come are written where they were. */
  void clear();

  /** Forgets all tokens, and overwrites what they were. */
  void wipe();

  /** Returns the number of blocks whose memory is held, for tokens there are or to come. */
  int held();

  /** Returns the number of blocks there is room for, with those that were dropped. */
  int blocks();

  /** Returns the number of blocks at the beginning that were dropped. */
  int dropped();

  /** Returns an independent cache with the first blocks' contents, dropped ones counted. */
  KvHead copy(int blocks);

  /** Returns whether a value that is not finite may stand in a block. */
  boolean nonFinite(int block);

  /** Returns the width of a key. */
  int keyWidth();

  /** Returns the width of a value. */
  int valueWidth();

  /** Returns one element of a key. */
  double key(int token, int element);

  /** Returns one element of a value. */
  double value(int token, int element);

  /** Sets one element of a key. */
  void setKey(int token, int element, double value);

  /** Sets one element of a value. */
  void setValue(int token, int element, double value);
}
