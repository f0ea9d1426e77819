package org.retention4j.checkpoint.format;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;
import org.retention4j.args.Shown;

/**
 * The bytes of a file of any length, which may be read from many threads. They are read and not
 * mapped: a mapping of a file that becomes shorter ends in a fault of the virtual machine, or in
 * zeros. Nor does the interruption of a thread close the file for the others.
 */
final class FileBytes implements AutoCloseable {
  /** The most bytes of one read, and so many are read ahead. */
  static final int LONGEST_READ = 1 << 16;

  private final Path path;
  private final RandomAccessFile file;
  private final long size;
  private ByteBuffer block = ByteBuffer.allocate(0);
  private long blockStart;
  private boolean closed;

  FileBytes(Path path) throws IOException {
    this.path = path;
    file = new RandomAccessFile(path.toFile(), "r");
    size = file.length();
  }

  /** Returns how long the file was when it was opened. */
  long size() {
    return size;
  }

  /** Copies {@code into.length} bytes from {@code at} on. */
  synchronized void read(long at, byte[] into) {
    fill(at, into, into.length);
  }

  /**
   * Shows {@code count} ≤ {@link #LONGEST_READ} bytes from {@code at} on, little-endian, to who
   * copies them.
   */
  synchronized void read(long at, int count, Consumer<ByteBuffer> copy) {
    if (at < blockStart || at + count > blockStart + block.limit()) {
      int length = (int) Math.min(LONGEST_READ, size - at);
      if (block.capacity() < length) {
        block = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      }
      block.limit(0);
      fill(at, block.array(), length);
      blockStart = at;
      block.limit(length);
    }
    int from = (int) (at - blockStart);
    copy.accept(block.slice(from, count).order(ByteOrder.LITTLE_ENDIAN));
  }

  private void fill(long at, byte[] into, int count) {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
    try {
      file.seek(at);
      file.readFully(into, 0, count);
    } catch (EOFException e) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected the %d bytes of %s that were there when it was opened, got an end before"
                  + " byte %d: something cut it off while it was read",
              size,
              path,
              at + count),
          e);
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + path + ": " + Shown.reason(e), e);
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    block.limit(0);
    try {
      file.close();
    } catch (IOException e) {
      throw new CheckpointException("cannot close " + path + ": " + Shown.reason(e), e);
    }
  }
}
