package org.retention4j.engine;

/**
 * The keys and values of one key/value head of one sequence, for softmax attention: preallocated,
 * written in place, contiguous per head in blocks of {@value #BLOCK} tokens. Keys lie transposed in
 * a block, so that both products of a decoding step stream rows.
 */
public abstract sealed class CacheHead permits Float32Cache, Float64Cache {
  /** Tokens of a block. */
  public static final int BLOCK = 256;

  private final int keyWidth;
  private final int valueWidth;
  private final int blocks;

  CacheHead(int capacity, int keyWidth, int valueWidth) {
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
    blocks = (capacity + BLOCK - 1) / BLOCK;
  }

  /**
   * Returns an empty cache.
   *
   * @param capacity tokens, rounded up to whole blocks
   */
  public static CacheHead create(ElementType type, int capacity, int keyWidth, int valueWidth) {
    return type == ElementType.FLOAT32
        ? new Float32Cache(capacity, keyWidth, valueWidth)
        : new Float64Cache(capacity, keyWidth, valueWidth);
  }

  /** Returns the number of blocks. */
  public final int blocks() {
    return blocks;
  }

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

  /** Returns the bytes held. */
  public abstract long bytes();
}
