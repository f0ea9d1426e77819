package org.retention4j.internal.lanes;

import org.bytedeco.javacpp.BytePointer;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.GrowableFloats;

/**
 * A lane's room for products with weights, by what it holds; each is one user's at a time. What
 * stands in it is lost when more is asked for.
 */
public final class LaneScratch {
  private final Arena arena;
  private final GrowableFloats row = new GrowableFloats();
  private final GrowableFloats second = new GrowableFloats();
  private final GrowableFloats input = new GrowableFloats();
  private final GrowableFloats sums = new GrowableFloats();
  private final GrowableFloats weights = new GrowableFloats();
  private byte[] bytes = new byte[64];
  private short[] shorts = new short[64];
  private int[] integers = new int[64];
  private BytePointer block;
  private BytePointer weightsBlock;

  /** The arena owns what is native. */
  public LaneScratch(Arena arena) {
    this.arena = arena;
  }

  /** Returns room for a row, at least so many. */
  public float[] row(int n) {
    return row.atLeast(n);
  }

  /** Returns room for another row, at least so many. */
  public float[] second(int n) {
    return second.atLeast(n);
  }

  /** Returns room for a row of inputs, at least so many. */
  public float[] input(int n) {
    return input.atLeast(n);
  }

  /** Returns room for the weights of an output, at least so many. */
  public float[] weights(int n) {
    return weights.atLeast(n);
  }

  /** Returns room for what a product sums up, at least so many. */
  public float[] sums(int n) {
    return sums.atLeast(n);
  }

  /** Returns room for a row of 8-bit integers, at least so many. */
  public byte[] bytes(int n) {
    if (bytes.length < n) {
      bytes = new byte[n];
    }
    return bytes;
  }

  /** Returns room for a row of bf16, at least so many. */
  public short[] shorts(int n) {
    if (shorts.length < n) {
      shorts = new short[n];
    }
    return shorts;
  }

  /** Returns room for weights on their way, at least so many. */
  public int[] integers(int n) {
    if (integers.length < n) {
      integers = new int[n];
    }
    return integers;
  }

  /** Returns native room for one product, at least so many bytes. */
  public BytePointer block(long bytes) {
    if (block == null || block.limit() < bytes) {
      block = arena.allocate(bytes);
    }
    return block;
  }

  /** Returns native room for the weights of one product, at least so many bytes. */
  public BytePointer weightsBlock(long bytes) {
    if (weightsBlock == null || weightsBlock.limit() < bytes) {
      weightsBlock = arena.allocate(bytes);
    }
    return weightsBlock;
  }
}
