package org.retention4j.engine;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Owns native memory and native objects and frees them together, in reverse order.
 *
 * <p>Blocks are zeroed and aligned to 64 bytes. Closing twice does no harm; use after close is an
 * {@link IllegalStateException}.
 */
public final class Arena implements AutoCloseable {
  static final int ALIGNMENT = 64;

  private final List<Pointer> owned = new ArrayList<>();
  private long bytes;
  private boolean closed;

  /** Returns {@code size} zeroed bytes aligned to 64. */
  synchronized BytePointer allocate(long size) {
    checkOpen();
    BytePointer block = new BytePointer(held(size));
    Pointer.memset(block, 0, held(size));
    owned.add(block);
    account(held(size));
    long shift = (ALIGNMENT - block.address() % ALIGNMENT) % ALIGNMENT;
    return window(block, shift, size);
  }

  /** Returns the bytes that a block of a size takes: it begins where it is aligned. */
  static long held(long size) {
    return size + ALIGNMENT;
  }

  /** Returns {@code size} bytes of {@code base} from byte {@code from} on; memory is shared. */
  static BytePointer window(Pointer base, long from, long size) {
    BytePointer moved = new BytePointer(base).getPointer(from);
    moved.capacity(size).limit(size);
    return moved;
  }

  /** Records heap memory that lives exactly as long as this arena. */
  public synchronized void account(long size) {
    checkOpen();
    bytes += size;
    NativeMemory.acquired(size);
  }

  /** Keeps {@code pointer} alive until this arena closes, then frees it. */
  synchronized <P extends Pointer> P own(P pointer) {
    checkOpen();
    owned.add(pointer);
    return pointer;
  }

  /** Returns the bytes this arena holds. */
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
    NativeMemory.released(bytes);
    bytes = 0;
  }
}
