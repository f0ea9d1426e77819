package org.retention4j.internal.memory;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Tile;

/**
 * Owns native memory and native objects and frees them together, in reverse order.
 *
 * <p>Blocks are zeroed and aligned to 64 bytes. Closing twice does no harm; use after close is an
 * {@link IllegalStateException}.
 */
public final class Arena implements Buffers {
  /** Of each block, in bytes; a block is so much longer than what was asked for. */
  public static final int ALIGNMENT = 64;

  private final List<Pointer> owned = new ArrayList<>();
  private final TileMaker tiles;
  private long bytes;
  private boolean closed;

  /** Makes the tiles of an engine. */
  @FunctionalInterface
  public interface TileMaker {
    /** Returns a zeroed tile that an arena owns. */
    Tile make(Arena owner, int rows, int columns);
  }

  /** Makes an empty one that has no tiles. */
  public Arena() {
    this(
        (owner, rows, columns) -> {
          throw new IllegalStateException("this arena makes no tiles");
        });
  }

  /** Makes an empty one. */
  public Arena(TileMaker tiles) {
    this.tiles = tiles;
  }

  @Override
  public Tile tile(int rows, int columns) {
    return tiles.make(this, rows, columns);
  }

  /** Returns {@code size} zeroed bytes aligned to 64. */
  public synchronized BytePointer allocate(long size) {
    checkOpen();
    BytePointer block = new BytePointer(held(size));
    Pointer.memset(block, 0, held(size));
    owned.add(block);
    account(held(size));
    long shift = (ALIGNMENT - block.address() % ALIGNMENT) % ALIGNMENT;
    return window(block, shift, size);
  }

  /** Returns the bytes that a block of a size takes: it begins where it is aligned. */
  public static long held(long size) {
    return size + ALIGNMENT;
  }

  /** Returns {@code size} bytes of {@code base} from byte {@code from} on; memory is shared. */
  public static BytePointer window(Pointer base, long from, long size) {
    BytePointer moved = new BytePointer(base).getPointer(from);
    moved.capacity(size).limit(size);
    return moved;
  }

  @Override
  public synchronized void account(long size) {
    checkOpen();
    bytes += size;
    MemoryCount.acquired(size);
  }

  /** Keeps {@code pointer} alive until this arena closes, then frees it. */
  public synchronized <P extends Pointer> P own(P pointer) {
    checkOpen();
    owned.add(pointer);
    return pointer;
  }

  @Override
  public synchronized long bytes() {
    return bytes;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the memory of this object was freed: it is closed");
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).deallocate();
    }
    owned.clear();
    MemoryCount.released(bytes);
    bytes = 0;
  }
}
