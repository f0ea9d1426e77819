package org.retention4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of any length in memory, mapped in windows, because one mapping is limited to 2 GiB.
 * Mappings are given back by the garbage collector; there is no supported way to do it earlier.
 */
final class MappedFile implements AutoCloseable {
  private static final long WINDOW = 1L << 30;

  /** Windows overlap by so much, so that a read of at most that many bytes lies in one. */
  static final int LONGEST_READ = 1 << 20;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final MappedByteBuffer[] windows;
  private volatile boolean closed;

  MappedFile(Path path) throws IOException {
    this.path = path;
    channel = FileChannel.open(path, StandardOpenOption.READ);
    size = channel.size();
    windows =
        new MappedByteBuffer[Math.toIntExact(Math.min(1 << 24, (size + WINDOW - 1) / WINDOW))];
  }

  long size() {
    return size;
  }

  /** Reads without mapping. */
  void read(long at, ByteBuffer into) throws IOException {
    long from = at;
    while (into.hasRemaining()) {
      int n = channel.read(into, from);
      if (n < 0) {
        throw new IOException("the file ended at byte " + from);
      }
      from += n;
    }
  }

  /** Returns the window that holds byte {@code at} and what follows it. */
  private ByteBuffer window(long at) {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
    int index = (int) (at / WINDOW);
    synchronized (windows) {
      if (windows[index] == null) {
        long from = index * WINDOW;
        long length = Math.min(size - from, WINDOW + LONGEST_READ);
        try {
          windows[index] = channel.map(FileChannel.MapMode.READ_ONLY, from, length);
        } catch (IOException e) {
          throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
        }
      }
      return windows[index];
    }
  }

  /** Returns {@code count} ≤ {@link #LONGEST_READ} bytes from {@code at} on, little-endian. */
  ByteBuffer slice(long at, int count) {
    ByteBuffer window = window(at);
    return window.slice((int) (at % WINDOW), count).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    closed = true;
    try {
      channel.close();
    } catch (IOException e) {
      throw new CheckpointException("cannot close " + path + ": " + Shown.reason(e), e);
    }
  }
}
