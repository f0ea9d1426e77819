package org.retention4j.engine;

/**
 * The keys and values of one key/value head of one sequence, for softmax attention: written in
 * place, contiguous per head in blocks of {@value #BLOCK} tokens, which are added when the cache
 * grows. Keys lie transposed in a block, so that both products of a decoding step stream rows.
 */
public abstract sealed class CacheHead permits FloatCache, Float64Cache {
  /** Tokens of a block. */
  public static final int BLOCK = 256;

  private final int keyWidth;
  private final int valueWidth;

  CacheHead(int keyWidth, int valueWidth) {
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
  }

  /**
   * Returns an empty cache.
   *
   * @param type FLOAT64 for a float64 engine and no other
   */
  public static CacheHead create(CacheType type, int keyWidth, int valueWidth) {
    return switch (type) {
      case FLOAT32 -> new Float32Cache(keyWidth, valueWidth);
      case BFLOAT16 -> new Bfloat16Cache(keyWidth, valueWidth);
      case FLOAT64 -> new Float64Cache(keyWidth, valueWidth);
    };
  }

  /** Returns the number of blocks that hold a number of tokens. */
  public static int blocksFor(int tokens) {
    return (tokens + BLOCK - 1) / BLOCK;
  }

  /** Makes room for so many blocks; what is there stays. */
  public abstract void grow(int blocks);

  /** Returns the number of blocks there is room for. */
  public abstract int blocks();

  /** Returns an independent cache with the first blocks' contents. */
  public abstract CacheHead copy(int copiedBlocks);

  /** Returns the width of a key. */
  public final int keyWidth() {
    return keyWidth;
  }

  /** Returns the width of a value. */
  public final int valueWidth() {
    return valueWidth;
  }

  /** Sets one element of a key, for filling a cache to stand at a depth. */
  public abstract void setKey(int token, int element, double value);

  /** Sets one element of a value, for filling a cache to stand at a depth. */
  public abstract void setValue(int token, int element, double value);

  /** Returns the bytes of so many blocks of a type. */
  public static long bytes(CacheType type, int blocks, int keyWidth, int valueWidth) {
    return (long) type.bytes() * blocks * BLOCK * (keyWidth + valueWidth);
  }
}
