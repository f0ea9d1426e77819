package org.retention4j.train.evaluate;

import java.util.Arrays;

/** Numbers keys 0, 1, 2, ... in the order in which they come: a hash table of open addressing. */
final class LongIds {
  private static final int NONE = -1;

  private long[] keys = new long[1024];
  private int[] slots = new int[2048];
  private int size;

  LongIds() {
    Arrays.fill(slots, NONE);
  }

  /** Returns how many keys there are. */
  int size() {
    return size;
  }

  /** Returns the number of a key, or -1 if it never came. */
  int find(long key) {
    return slots[slot(key)];
  }

  /** Returns the number of a key, a new one if it never came. */
  int add(long key) {
    int slot = slot(key);
    if (slots[slot] != NONE) {
      return slots[slot];
    }
    if (size == keys.length) {
      grow();
      slot = slot(key);
    }
    keys[size] = key;
    slots[slot] = size;
    return size++;
  }

  /** Returns where a key stands or would stand; half of the slots are free at least. */
  private int slot(long key) {
    int mask = slots.length - 1;
    int slot = (int) (mixed(key) & mask);
    while (slots[slot] != NONE && keys[slots[slot]] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood: OOPSLA 2014). */
  private static long mixed(long key) {
    long z = (key ^ (key >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private void grow() {
    keys = Arrays.copyOf(keys, 2 * keys.length);
    slots = new int[2 * keys.length];
    Arrays.fill(slots, NONE);
    for (int id = 0; id < size; id++) {
      slots[slot(keys[id])] = id;
    }
  }
}
