package org.retention4j.snapshot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.retention4j.snapshot.SnapshotException.Reason;

/** The header as bytes, and what stands before it. */
final class HeaderBytes {
  static final byte[] MAGIC = "R4JSNAP\n".getBytes(StandardCharsets.US_ASCII);
  static final short MAJOR = 1;
  static final short MINOR = 0;

  /** Magic, versions, length of the header, length of the whole. */
  static final int PREAMBLE = 24;

  /** The longest header that is read. */
  static final int LONGEST = 1 << 20;

  /** Bytes of a section between two checksums. */
  static final int BLOCK = 1 << 18;

  static final int CHECKSUM = 4;
  static final int DIGEST = 32;
  private static final int TAG = 4;
  private static final int SECTION = 24;

  private HeaderBytes() {}

  /** What stands before the header. */
  record Preamble(int header, long whole) {}

  /** Returns the length of a snapshot. */
  static long whole(int header, List<SnapshotSection> sections) {
    long sum = (long) PREAMBLE + header + CHECKSUM + DIGEST;
    for (SnapshotSection section : sections) {
      long blocks = section.bytes() / BLOCK + (section.bytes() % BLOCK == 0 ? 0 : 1);
      sum = Math.addExact(sum, Math.addExact(section.bytes(), CHECKSUM * blocks));
    }
    return sum;
  }

  /** Returns preamble and header, without the checksum, ready to be read. */
  static ByteBuffer encode(SnapshotHeader header) {
    ByteBuffer bytes = ByteBuffer.allocate(length(header)).order(ByteOrder.LITTLE_ENDIAN);
    int length = bytes.capacity() - PREAMBLE;
    if (length > LONGEST) {
      throw new IllegalArgumentException(
          "expected a header of at most " + LONGEST + " bytes, got " + length);
    }
    bytes.put(MAGIC).putShort(MAJOR).putShort(MINOR);
    bytes.putInt(length).putLong(whole(length, header.sections()));
    bytes.put(header.kind().getBytes(StandardCharsets.US_ASCII)).putInt(header.rows());
    bytes.put(header.fingerprint().bytes());
    header.positions().forEach(bytes::putLong);
    bytes.putInt(header.information().size());
    new TreeMap<>(header.information()).forEach((key, value) -> text(bytes, key, value));
    bytes.putInt(header.sections().size());
    for (SnapshotSection section : header.sections()) {
      bytes.put(section.tag().getBytes(StandardCharsets.US_ASCII));
      bytes.putInt(section.needed() ? 1 : 0).putInt(section.index()).putInt(0);
      bytes.putLong(section.bytes());
    }
    return bytes.flip();
  }

  private static int length(SnapshotHeader header) {
    int texts =
        header.information().entrySet().stream()
            .mapToInt(e -> 2 * Integer.BYTES + utf8(e.getKey()).length + utf8(e.getValue()).length)
            .sum();
    return PREAMBLE
        + TAG
        + 3 * Integer.BYTES
        + Fingerprint.BYTES
        + header.rows() * Long.BYTES
        + texts
        + header.sections().size() * SECTION;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void text(ByteBuffer to, String... texts) {
    for (String text : texts) {
      byte[] encoded = utf8(text);
      to.putInt(encoded.length).put(encoded);
    }
  }

  /** Reads what stands before the header. */
  static Preamble preamble(ByteBuffer from) throws SnapshotException {
    byte[] magic = new byte[MAGIC.length];
    from.get(magic);
    if (!java.util.Arrays.equals(magic, MAGIC)) {
      throw SnapshotException.damaged("expected a snapshot, got something else");
    }
    short major = from.getShort();
    short minor = from.getShort();
    if (major != MAJOR) {
      throw new SnapshotException(
          Reason.VERSION,
          "expected a snapshot of version " + MAJOR + ", got " + major + "." + minor);
    }
    int header = from.getInt();
    long whole = from.getLong();
    if (header < 0 || header > LONGEST || whole < 0) {
      throw SnapshotException.damaged(
          "expected a header of at most " + LONGEST + " bytes, got " + header + " of " + whole);
    }
    return new Preamble(header, whole);
  }

  /** Reads a header, whose checksum was right. */
  static SnapshotHeader decode(ByteBuffer from, Preamble preamble) throws SnapshotException {
    try {
      SnapshotHeader header = decoded(from);
      long whole = whole(preamble.header(), header.sections());
      if (whole != preamble.whole()) {
        throw SnapshotException.damaged(
            "expected sections of " + preamble.whole() + " bytes in all, got " + whole);
      }
      return header;
    } catch (java.nio.BufferUnderflowException | ArithmeticException e) {
      throw SnapshotException.damaged("expected a header, got one whose sizes do not fit");
    } catch (IllegalArgumentException e) {
      throw SnapshotException.damaged("expected a header, got one with " + e.getMessage());
    }
  }

  private static SnapshotHeader decoded(ByteBuffer from) {
    String kind = ascii(from, TAG);
    int rows = count(from, from.getInt(), Long.BYTES);
    byte[] fingerprint = new byte[Fingerprint.BYTES];
    from.get(fingerprint);
    List<Long> positions = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      positions.add(from.getLong());
    }
    Map<String, String> information = new TreeMap<>();
    int informations = count(from, from.getInt(), 2 * Integer.BYTES);
    for (int i = 0; i < informations; i++) {
      information.put(utf8(from), utf8(from));
    }
    List<SnapshotSection> sections = new ArrayList<>();
    int count = count(from, from.getInt(), SECTION);
    for (int i = 0; i < count; i++) {
      String tag = ascii(from, TAG);
      boolean needed = from.getInt() != 0;
      int index = from.getInt();
      from.getInt();
      sections.add(new SnapshotSection(tag, index, needed, from.getLong()));
    }
    return new SnapshotHeader(kind, Fingerprint.of(fingerprint), positions, information, sections);
  }

  /** Returns a count of things of a size, of which the header must have room for that many. */
  private static int count(ByteBuffer from, int count, int size) {
    if (count < 0 || (long) count * size > from.remaining()) {
      throw new IllegalArgumentException("room for fewer things than " + count);
    }
    return count;
  }

  private static String ascii(ByteBuffer from, int length) {
    byte[] bytes = new byte[length];
    from.get(bytes);
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  private static String utf8(ByteBuffer from) {
    byte[] bytes = new byte[count(from, from.getInt(), 1)];
    from.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
