package org.retention4j.train.plan;

import java.util.HashMap;
import java.util.Map;

/**
 * How many tiles of which size are held: a scratch gives parts that never run side by side the same
 * tiles, but only those of the very size.
 */
final class Shelves {
  private final Map<Size, Long> counts = new HashMap<>();

  private record Size(long rows, long columns) {
    double numbers() {
      return (double) rows * columns;
    }
  }

  /** Adds tiles of a size. */
  Shelves add(int count, long rows, long columns) {
    counts.merge(new Size(rows, columns), (long) count, Long::sum);
    return this;
  }

  /** Adds blocks, which rows and columns do not tell apart. */
  Shelves addBlocks(int count, long numbers) {
    return add(count, 1, numbers);
  }

  /** Adds those of a part that keeps its own. */
  void addAll(Shelves part) {
    part.counts.forEach((size, count) -> counts.merge(size, count, Long::sum));
  }

  /** Has room for a part that comes when all that is held may be given out again. */
  void share(Shelves part) {
    part.counts.forEach((size, count) -> counts.merge(size, count, Long::max));
  }

  /** Returns the numbers in all of them. */
  double numbers() {
    return counts.entrySet().stream().mapToDouble(e -> e.getValue() * e.getKey().numbers()).sum();
  }
}
