package org.retention4j.engine;

import java.nio.ByteBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;

/** A lane's room for the parts of projections, and how rows change their type there. */
final class PartScratch {
  private final Arena arena;
  private final Kernels kernels;
  private final FloatRoom row = new FloatRoom();
  private final FloatRoom second = new FloatRoom();
  private final FloatRoom input = new FloatRoom();
  private final FloatRoom sums = new FloatRoom();
  private final FloatRoom weights = new FloatRoom();
  private byte[] bytes = new byte[64];
  private short[] terms = new short[64];
  private int[] integers = new int[64];
  private BytePointer block;
  private BytePointer weightsBlock;

  /** The arena owns what is native. */
  PartScratch(Arena arena, Kernels kernels) {
    this.arena = arena;
    this.kernels = kernels;
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
  }

  /** Returns room for one part, at least so many bytes. */
  BytePointer block(long bytes) {
    if (block == null || block.limit() < bytes) {
      block = arena.allocate(bytes);
    }
    return block;
  }

  /** Returns room for the weights of one part, at least so many bytes. */
  BytePointer weightsBlock(long bytes) {
    if (weightsBlock == null || weightsBlock.limit() < bytes) {
      weightsBlock = arena.allocate(bytes);
    }
    return weightsBlock;
  }

  /** Returns room for a row of inputs, at least so many. */
  float[] input(int n) {
    return input.atLeast(n);
  }

  /** Returns room for the weights of an output, at least so many. */
  float[] weights(int n) {
    return weights.atLeast(n);
  }

  /** Returns room for what a part sums up, at least so many. */
  float[] sums(int n) {
    return sums.atLeast(n);
  }

  /** Returns room for weights on their way, at least so many. */
  int[] integers(int n) {
    if (integers.length < n) {
      integers = new int[n];
    }
    return integers;
  }

  /** Rounds a row to 8-bit integers, see {@link Int8#round}; returns its factor. */
  float quantise(Float32Tile from, int i, ByteBuffer to) {
    int n = from.columns();
    if (bytes.length < n) {
      bytes = new byte[n];
    }
    float[] x = row(n);
    from.read(i, x, n);
    float factor = Int8.round(x, n, bytes);
    to.put(i * n, bytes, 0, n);
    return factor;
  }

  /** Splits columns of a row into bf16 terms, see {@link Bfloat16Terms}. */
  void split(Float32Tile from, int i, int column, int count, ShortBuffer to) {
    float[] x = row(count);
    if (terms.length < count) {
      terms = new short[count];
    }
    from.read(i, column, x, count);
    for (int term = 0; term < Bfloat16Terms.TERMS; term++) {
      Bfloat16.splitOff(x, terms, count);
      to.put((term * from.rows() + i) * from.columns() + column, terms, 0, count);
    }
  }

  /** to[i,:] ← the sum of row i's products by term. */
  void addTerms(Float32Tile products, int i, Float32Tile to) {
    int n = products.columns();
    int apart = products.rows() / Bfloat16Terms.TERMS;
    float[] sum = row(n);
    float[] next = second(n);
    products.read((Bfloat16Terms.TERMS - 1) * apart + i, sum, n);
    for (int term = Bfloat16Terms.TERMS - 2; term >= 0; term--) {
      products.read(term * apart + i, next, n);
      for (int j = 0; j < n; j++) {
        sum[j] += next[j];
      }
    }
    to.write(i, sum, n);
  }

  /** to[i,:] ← factor·from[i,:]. */
  void scaleRow(Float32Tile from, int i, float factor, Float32Tile to) {
    int n = from.columns();
    float[] x = row(n);
    from.read(i, x, n);
    if (factor != 1) {
      kernels.scale(x, n, factor);
    }
    to.write(i, x, n);
  }
}
