package org.retention4j.text;

/**
 * Selection over scored tokens without sorting or boxing: a score and its token lie in one long,
 * such that ascending longs are descending scores, and ascending tokens among equal scores.
 */
final class Ranking {
  private Ranking() {}

  /** Packs a score, which is not NaN and not −0, and its token. */
  static long key(float score, int index) {
    int bits = Float.floatToRawIntBits(score);
    int sortable = bits ^ ((bits >> 31) & 0x7fffffff);
    return ((long) ~sortable << 32) | index;
  }

  /** Returns the token of a key. */
  static int index(long key) {
    return (int) key;
  }

  /** Moves the {@code count} smallest keys to the front, in any order; 1 <= count <= length. */
  static void select(long[] keys, int count) {
    int low = 0;
    int high = keys.length - 1;
    while (low < high) {
      int split = partition(keys, low, high);
      if (count <= split) {
        high = split - 1;
      } else if (count == split + 1) {
        return;
      } else {
        low = split + 1;
      }
    }
  }

  /**
   * Returns the key at which the weights, added up from the smallest key on, reach the target; the
   * largest key if they do not. Reorders the first {@code count} keys.
   *
   * @param weights by token
   */
  static long reach(long[] keys, int count, double[] weights, double target) {
    int low = 0;
    int high = count - 1;
    double before = 0;
    while (low < high) {
      int split = partition(keys, low, high);
      double left = 0;
      for (int i = low; i < split; i++) {
        left += weights[index(keys[i])];
      }
      double pivot = weights[index(keys[split])];
      if (split > low && before + left >= target) {
        high = split - 1;
      } else if (before + left + pivot >= target || split == high) {
        return keys[split];
      } else {
        before += left + pivot;
        low = split + 1;
      }
    }
    return keys[low];
  }

  /** Returns the largest of the first {@code count} keys. */
  static long largest(long[] keys, int count) {
    long largest = keys[0];
    for (int i = 1; i < count; i++) {
      largest = Math.max(largest, keys[i]);
    }
    return largest;
  }

  /** Parts [low, high] around the median of three and returns where it ends up. */
  private static int partition(long[] keys, int low, int high) {
    int middle = (low + high) >>> 1;
    sortPair(keys, low, middle);
    sortPair(keys, low, high);
    sortPair(keys, middle, high);
    swap(keys, middle, high);
    long pivot = keys[high];
    int split = low;
    for (int i = low; i < high; i++) {
      if (keys[i] < pivot) {
        swap(keys, i, split);
        split++;
      }
    }
    swap(keys, split, high);
    return split;
  }

  private static void sortPair(long[] keys, int a, int b) {
    if (keys[b] < keys[a]) {
      swap(keys, a, b);
    }
  }

  private static void swap(long[] keys, int a, int b) {
    long kept = keys[a];
    keys[a] = keys[b];
    keys[b] = kept;
  }
}
