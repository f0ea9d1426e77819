package org.retention4j.bench.ceiling;

import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Native memory aligned to 64 bytes, every page of it touched. */
final class NativeBlock implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final BytePointer block;
  private final long shift;
  private final long bytes;

  NativeBlock(long bytes) {
    this.bytes = bytes;
    block = new BytePointer(bytes + ALIGNMENT);
    shift = (ALIGNMENT - block.address() % ALIGNMENT) % ALIGNMENT;
    Pointer.memset(block, 0, bytes + ALIGNMENT);
  }

  /** Fills the block with seeded numbers in −0.5…0.5, the same 1 MiB again and again. */
  NativeBlock fillRandom(long seed) {
    int period = (int) Math.min(bytes, 1 << 20);
    FloatBuffer first = at(0, period).asByteBuffer().asFloatBuffer();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < first.capacity(); i++) {
      first.put(i, (float) (random.nextDouble() - 0.5));
    }
    for (long from = period; from < bytes; from += period) {
      Pointer.memcpy(at(from, 1), at(0, 1), Math.min(period, bytes - from));
    }
    return this;
  }

  /** Returns {@code size} bytes from byte {@code from} on. */
  BytePointer at(long from, long size) {
    BytePointer moved = new BytePointer(block).getPointer(shift + from);
    moved.capacity(size).limit(size);
    return moved;
  }

  /** Returns the size in bytes. */
  long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    block.close();
  }
}
