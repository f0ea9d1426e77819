package org.retention4j.internal.kv;

/** The keys or the values of a block of a cache: rows in the cache's element type. */
public interface KvMatrix {
  /** Makes the matrices of one cache type. */
  @FunctionalInterface
  interface Maker {
    /** Returns zeros, rows × width. */
    KvMatrix zeros(int rows, int width);
  }

  /** Sets an element, rounded to the type. */
  void set(int row, int column, double value);

  /** Returns an element. */
  double get(int row, int column);

  /** Sets all elements to 0. */
  void clear();

  /** Returns an independent copy. */
  KvMatrix copy();
}
