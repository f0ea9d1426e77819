package org.retention4j.internal.kv;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.retention4j.engine.ops.KvHead;

/**
 * The keys and values of one key/value head of one sequence, for softmax attention: written in
 * place, contiguous per head in blocks of {@value #BLOCK} tokens, which are added when the cache
 * grows. Keys lie transposed in a block, so that both products of a decoding step stream rows.
 */
public final class KvBlocks implements KvHead {
  private final KvMatrix.Maker maker;
  private final int keyWidth;
  private final int valueWidth;

  /** By block from the first that was not dropped: (K, block) and (block, V). */
  private KvMatrix[] keys = {};

  private KvMatrix[] values = {};

  /** By block: whether a value that is not finite was ever written to it. */
  private boolean[] nonFinite = {};

  /** Keys and values in turn of blocks that were dropped, to be used again. */
  private final Deque<KvMatrix> spare = new ArrayDeque<>();

  private int live;
  private int dropped;

  /** Makes an empty cache. */
  public KvBlocks(KvMatrix.Maker maker, int keyWidth, int valueWidth) {
    this.maker = maker;
    this.keyWidth = keyWidth;
    this.valueWidth = valueWidth;
  }

  @Override
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
        keys[live] = maker.zeros(keyWidth, BLOCK);
        values[live] = maker.zeros(BLOCK, valueWidth);
        allocated++;
      } else {
        keys[live] = spare.remove();
        values[live] = spare.remove();
      }
    }
    return allocated;
  }

  @Override
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

  @Override
  public void skip(int blocks) {
    dropped += blocks;
  }

  @Override
  public void clear() {
    dropped = 0;
    Arrays.fill(nonFinite, false);
  }

  @Override
  public void wipe() {
    clear();
    for (int i = 0; i < live; i++) {
      keys[i].clear();
      values[i].clear();
    }
    spare.forEach(KvMatrix::clear);
  }

  @Override
  public int held() {
    return live + spare.size() / 2;
  }

  @Override
  public int blocks() {
    return dropped + live;
  }

  @Override
  public int dropped() {
    return dropped;
  }

  @Override
  public KvBlocks copy(int blocks) {
    KvBlocks copy = new KvBlocks(maker, keyWidth, valueWidth);
    copy.dropped = Math.min(dropped, blocks);
    copy.live = blocks - copy.dropped;
    copy.keys = copy(keys, copy.live);
    copy.values = copy(values, copy.live);
    copy.nonFinite = Arrays.copyOf(nonFinite, copy.live);
    return copy;
  }

  private static KvMatrix[] copy(KvMatrix[] blocks, int count) {
    KvMatrix[] copy = new KvMatrix[count];
    for (int i = 0; i < count; i++) {
      copy[i] = blocks[i].copy();
    }
    return copy;
  }

  /** Returns the transposed keys of a block (K, block). */
  public KvMatrix keys(int block) {
    return keys[block - dropped];
  }

  /** Returns the values of a block (block, V). */
  public KvMatrix values(int block) {
    return values[block - dropped];
  }

  @Override
  public boolean nonFinite(int block) {
    return nonFinite[block - dropped];
  }

  @Override
  public int keyWidth() {
    return keyWidth;
  }

  @Override
  public int valueWidth() {
    return valueWidth;
  }

  @Override
  public double key(int token, int element) {
    return keys(token / BLOCK).get(element, token % BLOCK);
  }

  @Override
  public double value(int token, int element) {
    return values(token / BLOCK).get(token % BLOCK, element);
  }

  @Override
  public void setKey(int token, int element, double value) {
    keys(token / BLOCK).set(element, token % BLOCK, value);
  }

  @Override
  public void setValue(int token, int element, double value) {
    values(token / BLOCK).set(token % BLOCK, element, value);
    if (!Double.isFinite(value)) {
      nonFinite[token / BLOCK - dropped] = true;
    }
  }
}
