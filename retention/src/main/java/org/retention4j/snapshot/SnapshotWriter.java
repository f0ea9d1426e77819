package org.retention4j.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.util.zip.CRC32C;
import org.retention4j.engine.ops.Bfloat16;

/**
 * Writes a snapshot to a channel, block by block: the header at once, then the sections that it
 * announced, then the digest. The channel stays the caller's, at the byte behind the snapshot.
 *
 * @since 0.1
 */
public final class SnapshotWriter {
  private final WritableByteChannel channel;
  private final SnapshotHeader header;
  private final MessageDigest digest = Digests.sha256();
  private final CRC32C checksum = new CRC32C();
  private final ByteBuffer block =
      ByteBuffer.allocate(HeaderBytes.BLOCK + HeaderBytes.CHECKSUM).order(ByteOrder.LITTLE_ENDIAN);
  private final FloatBuffer floats = block.asFloatBuffer();
  private final DoubleBuffer doubles = block.asDoubleBuffer();
  private final ShortBuffer shorts = block.asShortBuffer();
  private float[] narrow = {};
  private short[] half = {};

  /** Sections that were begun. */
  private int begun;

  /** Bytes of the section that are to come. */
  private long left;

  /** Writes the header. */
  public SnapshotWriter(WritableByteChannel channel, SnapshotHeader header) throws IOException {
    this.channel = channel;
    this.header = header;
    ByteBuffer bytes = HeaderBytes.encode(header);
    checksum.update(bytes.duplicate());
    digest.update(bytes.duplicate());
    writeAll(bytes);
    ByteBuffer sum = ByteBuffer.allocate(HeaderBytes.CHECKSUM).order(ByteOrder.LITTLE_ENDIAN);
    sum.putInt((int) checksum.getValue()).flip();
    digest.update(sum.duplicate());
    writeAll(sum);
    block.limit(HeaderBytes.BLOCK);
  }

  /**
   * Begins the next section.
   *
   * @throws IllegalStateException if the one before it is not complete, or there is none left
   */
  public SnapshotWriter begin() {
    requireComplete();
    if (begun == header.sections().size()) {
      throw new IllegalStateException("expected " + begun + " sections, got one more");
    }
    left = header.sections().get(begun++).bytes();
    return this;
  }

  private void requireComplete() {
    if (left != 0) {
      throw new IllegalStateException(
          "expected "
              + left
              + " bytes more of section "
              + header.sections().get(begun - 1).describe()
              + ", got an end");
    }
  }

  /** Writes a whole number. */
  public void put(long value) throws IOException {
    take(Long.BYTES);
    block.putLong(value);
    written();
  }

  /** Writes a number to the bit. */
  public void put(double value) throws IOException {
    put(Double.doubleToRawLongBits(value));
  }

  /** Writes the first n numbers of a row, rounded to a type, and fills up to a multiple of 8. */
  public void put(NumberType type, double[] row, int n) throws IOException {
    long bytes = type.bytes(n);
    take(bytes);
    for (int done = 0; done < n; ) {
      int count = Math.min(n - done, block.remaining() / type.bytes());
      int at = block.position() / type.bytes();
      switch (type) {
        case FLOAT64 -> doubles.put(at, row, done, count);
        case FLOAT32 -> floats.put(at, narrow(row, done, count), 0, count);
        case BFLOAT16 -> shorts.put(at, half(narrow(row, done, count), count), 0, count);
      }
      block.position(block.position() + count * type.bytes());
      done += count;
      written();
    }
    for (long filled = (long) n * type.bytes(); filled < bytes; filled++) {
      block.put((byte) 0);
    }
    written();
  }

  private float[] narrow(double[] row, int from, int n) {
    narrow = narrow.length < n ? new float[n] : narrow;
    for (int i = 0; i < n; i++) {
      narrow[i] = (float) row[from + i];
    }
    return narrow;
  }

  private short[] half(float[] row, int n) {
    half = half.length < n ? new short[n] : half;
    Bfloat16.fromFloats(row, half, n);
    return half;
  }

  private void take(long bytes) {
    if (bytes > left) {
      throw new IllegalStateException(
          "expected at most " + left + " bytes more of a section, got " + bytes);
    }
    left -= bytes;
  }

  /** Sends a block that is full, or the section's last. */
  private void written() throws IOException {
    if (block.hasRemaining() && (left > 0 || block.position() == 0)) {
      return;
    }
    int length = block.position();
    if (length % Long.BYTES != 0) {
      return; // what fills up is to come
    }
    checksum.reset();
    checksum.update(block.duplicate().flip());
    block.limit(length + HeaderBytes.CHECKSUM);
    block.putInt((int) checksum.getValue());
    digest.update(block.duplicate().position(length));
    writeAll(block.flip());
    block.clear().limit(HeaderBytes.BLOCK);
  }

  /**
   * Writes the digest behind the last section.
   *
   * @throws IllegalStateException if sections are missing
   */
  public void finish() throws IOException {
    requireComplete();
    if (begun < header.sections().size()) {
      throw new IllegalStateException(
          "expected " + header.sections().size() + " sections, got " + begun);
    }
    writeAll(ByteBuffer.wrap(digest.digest()));
  }

  private void writeAll(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
