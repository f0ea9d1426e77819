package org.retention4j.snapshot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The SHA-256 of what makes results what they are: a model's configuration and weights. Equal for
 * equal models, whatever computes with them.
 *
 * @since 0.1
 */
public final class Fingerprint {
  /** Bytes of a fingerprint. */
  public static final int BYTES = 32;

  /** Of what has no model: bare states. */
  public static final Fingerprint NONE = new Fingerprint(new byte[BYTES]);

  private static final int SHOWN = 12;

  private final byte[] bytes;

  private Fingerprint(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * Takes 32 bytes.
   *
   * @throws IllegalArgumentException for another number
   */
  public static Fingerprint of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("expected " + BYTES + " bytes, got " + bytes.length);
    }
    return new Fingerprint(bytes.clone());
  }

  /** Returns a copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** Returns the first hexadecimal digits, for messages. */
  public String brief() {
    return toString().substring(0, SHOWN);
  }

  /** Begins a digest. */
  public static Digest digest() {
    return new Digest();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Fingerprint that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(bytes);
  }

  /** A fingerprint in the making. */
  public static final class Digest {
    private static final int ROOM = 1 << 13;

    private final MessageDigest digest = Digests.sha256();
    private final ByteBuffer buffer = ByteBuffer.allocate(ROOM).order(ByteOrder.LITTLE_ENDIAN);

    private Digest() {}

    /** Adds a text, parted from what follows. */
    public Digest add(String text) {
      byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
      add((long) encoded.length);
      flush();
      digest.update(encoded);
      return this;
    }

    /** Adds a number. */
    public Digest add(long number) {
      room(Long.BYTES);
      buffer.putLong(number);
      return this;
    }

    /** Adds another fingerprint. */
    public Digest add(Fingerprint other) {
      flush();
      digest.update(other.bytes);
      return this;
    }

    /**
     * Adds the first n numbers of a row: as fp32 where that is exact for all of them, so that
     * engines of both types find the same.
     */
    public Digest add(double[] row, int n) {
      boolean narrow = true;
      for (int i = 0; i < n && narrow; i++) {
        narrow = (float) row[i] == row[i] || Double.isNaN(row[i]);
      }
      add(narrow ? Float.BYTES : Double.BYTES);
      for (int i = 0; i < n; i++) {
        room(Double.BYTES);
        if (narrow) {
          buffer.putInt(Float.floatToIntBits((float) row[i]));
        } else {
          buffer.putLong(Double.doubleToLongBits(row[i]));
        }
      }
      return this;
    }

    private void room(int bytes) {
      if (buffer.remaining() < bytes) {
        flush();
      }
    }

    private void flush() {
      digest.update(buffer.flip());
      buffer.clear();
    }

    /** Returns it; the digest begins anew. */
    public Fingerprint end() {
      flush();
      return new Fingerprint(digest.digest());
    }
  }
}
