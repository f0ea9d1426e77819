package org.retention4j.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateExchange;
import org.retention4j.forms.Engines;
import org.retention4j.snapshot.SnapshotException.Reason;

/** Snapshots whose checksums are right and whose contents are not. */
class ForgedSnapshotsTest {
  private static final long HUGE = 1L << 30;

  /** A state of one row, H = 1, K = V = 2, in FLOAT64: what stands where. */
  private static long[] state() {
    long[] all = new long[11 + 2 + 3 + 4];
    all[0] = NumberType.FLOAT64.ordinal();
    all[1] = 1;
    all[2] = 2;
    all[3] = 2;
    all[7] = Double.doubleToRawLongBits(10_000);
    all[12] = 5; // position
    for (int i = 0; i < 4; i++) {
      all[16 + i] = Double.doubleToRawLongBits(1 + i);
    }
    return all;
  }

  private static byte[] forged(String tag, boolean needed, long[] contents, long... positions)
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SnapshotSection section = new SnapshotSection(tag, 0, needed, 8L * contents.length);
    SnapshotWriter writer =
        new SnapshotWriter(
            Channels.newChannel(bytes),
            new SnapshotHeader(
                SnapshotHeader.STATE,
                Fingerprint.NONE,
                java.util.Arrays.stream(positions).boxed().toList(),
                Map.of(),
                List.of(section)));
    writer.begin();
    for (long number : contents) {
      writer.put(number);
    }
    writer.finish();
    return bytes.toByteArray();
  }

  private static RetentionState load(byte[] bytes) throws IOException {
    return StateExchange.load(
        Engines.float64(), Channels.newChannel(new ByteArrayInputStream(bytes)));
  }

  private static void assertRefused(int at, long value, String message) throws IOException {
    long[] contents = state();
    contents[at] = value;
    byte[] bytes = forged(StateExchange.TAG, true, contents, 5);
    assertThatExceptionOfType(SnapshotException.class)
        .isThrownBy(() -> load(bytes))
        .withMessageStartingWith(message)
        .extracting(SnapshotException::reason)
        .isEqualTo(Reason.DAMAGED);
  }

  @Test
  void asItShouldBe() throws IOException {
    try (RetentionState state = load(forged(StateExchange.TAG, true, state(), 5))) {
      assertThat(state.position(0)).isEqualTo(5);
      assertThat(state.toArray().data().asDouble()).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void everyNumberIsLookedAt() throws IOException {
    assertRefused(0, 3, "expected a type in 0..2, got 3");
    assertRefused(1, 0, "expected heads in 1..2147483647, got 0");
    assertRefused(1, HUGE, "expected 1 rows of 1073741824 heads of 2 x 16 bytes, got");
    assertRefused(2, HUGE, "expected 1 rows of 1 heads of 1073741824 x 16 bytes, got");
    assertRefused(3, HUGE, "expected 1 rows of 1 heads of 2 x 8589934592 bytes, got");
    assertRefused(3, 1, "expected section RETN 0 to hold 16 bytes less");
    assertRefused(4, 2, "expected scaled keys in 0..1, got 2");
    assertRefused(5, 3, "expected a layout in 0..2, got 3");
    assertRefused(7, Double.doubleToRawLongBits(-1), "expected a convention; expected a rotation");
    assertRefused(9, 2, "expected decays in 0..1, got 2");
    assertRefused(12, 6, "expected position 5 of row 0, got 6");
    assertRefused(11, -1, "expected a start in 0..");
    assertRefused(13, Double.doubleToRawLongBits(1), "expected a log decay <= 0, got 1.0");
    assertRefused(13, Double.doubleToRawLongBits(Double.NaN), "expected a log decay <= 0, got NaN");
    assertRefused(14, 1, "expected a log decay <= 0, got 1.0");
    assertRefused(14, 1000, "expected fewer pending tokens, got 1000");
    assertRefused(14, HUGE, "expected pending tokens in 0..1024, got 1073741824");
  }

  @Test
  void unknownSectionsAreSkippedUnlessTheyAreNeeded() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    long[] state = state();
    SnapshotWriter writer =
        new SnapshotWriter(
            Channels.newChannel(bytes),
            new SnapshotHeader(
                SnapshotHeader.STATE,
                Fingerprint.NONE,
                List.of(5L),
                Map.of("by", "later"),
                List.of(
                    new SnapshotSection("NEWS", 0, false, 8 * 40_000L),
                    new SnapshotSection(StateExchange.TAG, 0, true, 8L * state.length),
                    new SnapshotSection("LAST", 3, false, 0))));
    writer.begin();
    for (int i = 0; i < 40_000; i++) {
      writer.put((long) i);
    }
    writer.begin();
    for (long number : state) {
      writer.put(number);
    }
    writer.begin();
    writer.finish();
    try (RetentionState loaded = load(bytes.toByteArray())) {
      assertThat(loaded.position(0)).isEqualTo(5);
    }
    assertThatExceptionOfType(SnapshotException.class)
        .isThrownBy(() -> load(forged("NEWS", true, new long[3], 5)))
        .withMessage("expected sections that this version knows, got NEWS 0")
        .extracting(SnapshotException::reason)
        .isEqualTo(Reason.VERSION);
  }

  @Test
  void writersHoldToTheirHeader() throws IOException {
    SnapshotHeader header =
        new SnapshotHeader(
            SnapshotHeader.STATE,
            Fingerprint.NONE,
            List.of(0L),
            Map.of(),
            List.of(new SnapshotSection("ABCD", 0, true, 8)));
    SnapshotWriter writer =
        new SnapshotWriter(Channels.newChannel(new ByteArrayOutputStream()), header);
    assertThatIllegalStateException()
        .isThrownBy(writer::finish)
        .withMessage("expected 1 sections, got 0");
    writer.begin();
    assertThatIllegalStateException()
        .isThrownBy(writer::finish)
        .withMessage("expected 8 bytes more of section ABCD 0, got an end");
    writer.put(1L);
    assertThatIllegalStateException()
        .isThrownBy(() -> writer.put(1L))
        .withMessage("expected at most 0 bytes more of a section, got 8");
    assertThatIllegalStateException()
        .isThrownBy(writer::begin)
        .withMessage("expected 1 sections, got one more");
  }
}
