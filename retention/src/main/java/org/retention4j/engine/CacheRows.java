package org.retention4j.engine;

/** The keys or the values of a block of a cache: rows in the cache's element type. */
sealed interface CacheRows permits FloatCacheRows, DoubleRows {
  /** Returns no more than zeros, rows × width. */
  static CacheRows create(CacheType type, int rows, int width) {
    return switch (type) {
      case FLOAT32 -> new FloatRows(rows, width);
      case BFLOAT16 -> new HalfRows(rows, width);
      case FLOAT64 -> new DoubleRows(rows, width);
    };
  }

  /** Sets an element, rounded to the type. */
  void set(int row, int column, double value);

  /** Returns an element. */
  double get(int row, int column);

  /** Returns an independent copy. */
  CacheRows copy();
}
