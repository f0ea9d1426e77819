package org.retention4j.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32C;
import org.retention4j.engine.ops.Bfloat16;
import org.retention4j.snapshot.SnapshotException.Reason;

/**
 * Reads a snapshot from a channel, block by block; no number is given out before its block's
 * checksum was right. The channel stays the caller's, at the byte behind the snapshot.
 *
 * @since 0.1
 */
public final class SnapshotReader {
  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

  private final ReadableByteChannel channel;
  private final SnapshotHeader header;
  private final MessageDigest digest = Digests.sha256();
  private final CRC32C checksum = new CRC32C();
  private ByteBuffer block;
  private FloatBuffer floats;
  private DoubleBuffer doubles;
  private ShortBuffer shorts;
  private float[] narrow = {};
  private short[] half = {};

  /** Sections that were begun. */
  private int begun;

  /** Bytes of the section that were not given out, and that were not read. */
  private long left;

  private long unread;

  /**
   * Reads the header.
   *
   * @param length of what the channel holds from here on, negative where that is not known
   * @param most bytes that the snapshot may have
   * @throws SnapshotException if it is damaged, longer, or of another version
   */
  public SnapshotReader(ReadableByteChannel channel, long length, long most) throws IOException {
    this.channel = channel;
    ByteBuffer preamble = read(HeaderBytes.PREAMBLE);
    HeaderBytes.Preamble sizes = HeaderBytes.preamble(preamble.duplicate().order(LITTLE));
    if (length >= 0 && sizes.whole() != length) {
      throw SnapshotException.damaged(
          "expected a snapshot of " + sizes.whole() + " bytes, got " + length);
    }
    if (channel instanceof SeekableByteChannel file) {
      long there = file.size() - file.position() + HeaderBytes.PREAMBLE;
      if (sizes.whole() > there) {
        throw SnapshotException.damaged(
            "expected a snapshot of " + sizes.whole() + " bytes, got " + there);
      }
    }
    if (sizes.whole() > most) {
      throw new SnapshotException(
          Reason.TOO_LARGE,
          "expected a snapshot of at most " + most + " bytes, got one of " + sizes.whole());
    }
    ByteBuffer rest = read(sizes.header() + HeaderBytes.CHECKSUM);
    digest.update(preamble.duplicate());
    digest.update(rest.duplicate());
    checksum.update(preamble);
    checksum.update(rest.duplicate().limit(sizes.header()));
    if (rest.getInt(sizes.header()) != (int) checksum.getValue()) {
      throw SnapshotException.damaged("expected a header of another checksum: it is damaged");
    }
    header = HeaderBytes.decode(rest.limit(sizes.header()), sizes);
  }

  /** Returns what the snapshot says of itself. */
  public SnapshotHeader header() {
    return header;
  }

  /**
   * Refuses a snapshot of something else.
   *
   * @throws SnapshotException if it is of another kind or another model
   */
  public void require(String kind, Fingerprint model) throws SnapshotException {
    if (!header.kind().equals(kind)) {
      throw new SnapshotException(
          Reason.OTHER_KIND, "expected a snapshot of kind " + kind + ", got " + header.kind());
    }
    if (!header.fingerprint().equals(model)) {
      throw new SnapshotException(
          Reason.OTHER_MODEL,
          "expected a snapshot of the model "
              + model.brief()
              + "..., got one of "
              + header.fingerprint().brief()
              + "...: its configuration or its weights are others");
    }
  }

  /** Begins the next section, and returns which it is; null behind the last one. */
  public SnapshotSection begin() throws IOException {
    requireComplete();
    if (begun == header.sections().size()) {
      return null;
    }
    SnapshotSection section = header.sections().get(begun++);
    left = section.bytes();
    unread = left;
    return section;
  }

  private void requireComplete() throws SnapshotException {
    if (left != 0) {
      throw SnapshotException.damaged(
          "expected section "
              + header.sections().get(begun - 1).describe()
              + " to hold "
              + left
              + " bytes less");
    }
  }

  /** Returns the bytes of the section that are still to be read. */
  public long left() {
    return left;
  }

  /** Leaves out the rest of a section, whose checksums must be right all the same. */
  public void skip() throws IOException {
    while (left > 0) {
      available();
      left -= block.remaining();
      block.position(block.limit());
    }
  }

  /** Reads a whole number. */
  public long getLong() throws IOException {
    take(Long.BYTES);
    available();
    return block.getLong();
  }

  /** Reads a number that was written to the bit. */
  public double getDouble() throws IOException {
    return Double.longBitsToDouble(getLong());
  }

  /**
   * Reads a whole number from a range.
   *
   * @throws SnapshotException if it lies outside
   */
  public long getLong(String what, long from, long to) throws IOException {
    long value = getLong();
    if (value < from || value > to) {
      throw SnapshotException.damaged(
          "expected " + what + " in " + from + ".." + to + ", got " + value);
    }
    return value;
  }

  /** Reads n numbers of a type, and what filled them up. */
  public void get(NumberType type, double[] into, int n) throws IOException {
    take(type.bytes(n));
    if (n == 0) {
      return;
    }
    for (int done = 0; done < n; ) {
      available();
      int count = Math.min(n - done, block.remaining() / type.bytes());
      int at = block.position() / type.bytes();
      switch (type) {
        case FLOAT64 -> doubles.get(at, into, done, count);
        case FLOAT32 -> floats(at, into, done, count);
        case BFLOAT16 -> halves(at, into, done, count);
      }
      block.position(block.position() + count * type.bytes());
      done += count;
    }
    int over = (int) (type.bytes(n) - (long) n * type.bytes());
    block.position(block.position() + over);
  }

  private void floats(int at, double[] into, int from, int n) {
    narrow = narrow.length < n ? new float[n] : narrow;
    floats.get(at, narrow, 0, n);
    for (int i = 0; i < n; i++) {
      into[from + i] = narrow[i];
    }
  }

  private void halves(int at, double[] into, int from, int n) {
    half = half.length < n ? new short[n] : half;
    shorts.get(at, half, 0, n);
    for (int i = 0; i < n; i++) {
      into[from + i] = Bfloat16.toFloat(half[i]);
    }
  }

  private void take(long bytes) throws SnapshotException {
    if (bytes > left) {
      throw SnapshotException.damaged(
          "expected section "
              + header.sections().get(begun - 1).describe()
              + " to hold "
              + (bytes - left)
              + " bytes more");
    }
    left -= bytes;
  }

  /** Reads the next block where the one at hand is at its end. */
  private void available() throws IOException {
    if (block != null && block.hasRemaining()) {
      return;
    }
    int length = (int) Math.min(unread, HeaderBytes.BLOCK);
    if (block == null) {
      block = ByteBuffer.allocate(room()).order(LITTLE);
      floats = block.asFloatBuffer();
      doubles = block.asDoubleBuffer();
      shorts = block.asShortBuffer();
    }
    fill(block.clear().limit(length + HeaderBytes.CHECKSUM));
    block.flip();
    checksum.reset();
    checksum.update(block.duplicate().limit(length));
    if (block.getInt(length) != (int) checksum.getValue()) {
      throw SnapshotException.damaged(
          "expected a block of another checksum in section "
              + header.sections().get(begun - 1).describe()
              + ": it is damaged");
    }
    digest.update(block.duplicate().position(length));
    block.limit(length);
    unread -= length;
  }

  /** Returns the length of the longest block of all sections, with its checksum. */
  private int room() {
    long longest = header.sections().stream().mapToLong(SnapshotSection::bytes).max().orElse(0);
    return (int) Math.min(longest, HeaderBytes.BLOCK) + HeaderBytes.CHECKSUM;
  }

  /**
   * Reads the digest behind the last section; sections that were not begun are skipped.
   *
   * @throws SnapshotException if it is another than that of what was read, or a section that this
   *     reader does not know is needed
   */
  public void finish() throws IOException {
    for (SnapshotSection section = begin(); section != null; section = begin()) {
      requireUnneeded(section);
      skip();
    }
    byte[] written = new byte[HeaderBytes.DIGEST];
    read(written.length).get(written);
    if (!Arrays.equals(written, digest.digest())) {
      throw SnapshotException.damaged("expected another digest at the end: it is damaged");
    }
  }

  private static void requireUnneeded(SnapshotSection section) throws SnapshotException {
    if (section.needed()) {
      throw new SnapshotException(
          Reason.VERSION, "expected sections that this version knows, got " + section.describe());
    }
  }

  /**
   * Begins the next section of some tags; others are skipped.
   *
   * @return null if there is none left
   * @throws SnapshotException if one that would be skipped is needed
   */
  public SnapshotSection next(Set<String> tags) throws IOException {
    for (SnapshotSection section = begin(); section != null; section = begin()) {
      if (tags.contains(section.tag())) {
        return section;
      }
      requireUnneeded(section);
      skip();
    }
    return null;
  }

  private ByteBuffer read(int bytes) throws IOException {
    ByteBuffer into = ByteBuffer.allocate(bytes).order(LITTLE);
    fill(into);
    return into.flip();
  }

  private void fill(ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      if (channel.read(into) < 0) {
        throw SnapshotException.damaged(
            "expected " + into.remaining() + " bytes more, got the end: it is cut off");
      }
    }
  }
}
