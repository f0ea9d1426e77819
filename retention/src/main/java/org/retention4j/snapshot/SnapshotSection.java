package org.retention4j.snapshot;

import java.nio.charset.StandardCharsets;

/**
 * A part of a snapshot: what it is, of which layer, and how long.
 *
 * @param tag four letters, see those who write it
 * @param index of the layer, 0 where there is but one
 * @param needed whether a reader that does not know the tag must refuse the snapshot
 * @param bytes a multiple of 8
 * @since 0.1
 */
public record SnapshotSection(String tag, int index, boolean needed, long bytes) {
  private static final int TAG = 4;

  /** Checks tag, index and length. */
  public SnapshotSection {
    if (tag.getBytes(StandardCharsets.US_ASCII).length != TAG
        || !tag.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      throw new IllegalArgumentException("expected a tag of four letters, got \"" + tag + "\"");
    }
    if (index < 0 || bytes < 0 || bytes % Long.BYTES != 0) {
      throw new IllegalArgumentException(
          "expected an index >= 0 and a multiple of 8 bytes, got " + index + " and " + bytes);
    }
  }

  /** Returns what a section is called in messages. */
  public String describe() {
    return tag + " " + index;
  }
}
