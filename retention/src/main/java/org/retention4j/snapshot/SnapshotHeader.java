package org.retention4j.snapshot;

import java.util.List;
import java.util.Map;

/**
 * What a snapshot says of itself before its sections. As bytes: 4 letters of the kind; 4 for the
 * number of rows B; the fingerprint; B positions of 8; 4 for the number of informations, each two
 * texts in UTF-8 behind their lengths of 4; 4 for the number of sections, each its tag, 4 for 1 if
 * it is needed or 0, 4 for its index, 4 of zeros, 8 for its length.
 *
 * @param kind four letters: what was saved
 * @param fingerprint of the model, {@link Fingerprint#NONE} of bare states
 * @param positions (B) the tokens or frames that each row has seen
 * @param information what is of interest to people, and decides nothing
 * @param sections in their order
 * @since 0.1
 */
public record SnapshotHeader(
    String kind,
    Fingerprint fingerprint,
    List<Long> positions,
    Map<String, String> information,
    List<SnapshotSection> sections) {
  /** The kind of a session of a language model. */
  public static final String SESSION = "SESS";

  /** The kind of a session over frames. */
  public static final String FRAMES = "FRAM";

  /** The kind of a retention state by itself. */
  public static final String STATE = "STAT";

  /** Takes copies. */
  public SnapshotHeader {
    positions = List.copyOf(positions);
    information = Map.copyOf(information);
    sections = List.copyOf(sections);
    if (positions.isEmpty()) {
      throw new IllegalArgumentException("expected at least one row, got none");
    }
  }

  /** Returns B. */
  public int rows() {
    return positions.size();
  }

  /** Returns the length of a snapshot's sections, without checksums. */
  public long bytes() {
    return sections.stream().mapToLong(SnapshotSection::bytes).sum();
  }
}
