package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.snapshot.SnapshotException;
import org.retention4j.snapshot.SnapshotException.Reason;
import org.retention4j.snapshot.SnapshotReader;

/** What can be done with snapshots, and what is refused. */
class SnapshotsTest extends SessionFixture {
  @TempDir Path folder;

  private LanguageModel model;

  @BeforeEach
  void makeModel() {
    model = model(config(true), WeightType.FLOAT32, 1);
  }

  @Test
  void keepsAConversationForLater() throws IOException {
    Path file = folder.resolve("talk.snapshot");
    try (Session session = model.newSession()) {
      session.append(text(1, 40));
      session.save(file);
    }
    try (Session session = model.restore(file, RestoreOptions.DEFAULT)) {
      assertThat(session.position(0)).isEqualTo(40);
      assertThat(logits(session, 0)).isEqualTo(alone(model, text(1, 40)));
      session.append(5);
      assertThat(session.position(0)).isEqualTo(41);
    }
  }

  @Test
  void putsRowsIntoARunningBatchAndTakesThemOut() {
    try (Session batch = model.newSession(3, SessionOptions.DEFAULT);
        Session single = model.newSession()) {
      batch.append(new int[][] {text(1, 70), text(2, 5), {}});
      single.append(text(3, 33));
      try (Snapshot third = single.snapshot(0);
          Snapshot first = batch.take(0)) {
        batch.put(2, third, 0);
        assertThat(batch.position(0)).isZero();
        assertThat(logits(batch, 2)).isEqualTo(logits(single, 0));
        batch.put(0, first, 0);
        batch.step(7, 8, 9);
        single.step(9);
        assertThat(batch.position(0)).isEqualTo(71);
        assertClose(logits(batch, 2), logits(single, 0));
        assertClose(logits(batch, 0), alone(model, with(text(1, 70), 7)));
      }
    }
  }

  private static int[] with(int[] tokens, int last) {
    int[] all = java.util.Arrays.copyOf(tokens, tokens.length + 1);
    all[tokens.length] = last;
    return all;
  }

  @Test
  void savesAMark() throws IOException {
    Path file = folder.resolve("mark");
    try (Session session = model.newSession(2, SessionOptions.DEFAULT)) {
      session.append(new int[][] {text(1, 300), text(2, 9)});
      float[] then = logits(session, 1);
      try (Session.Mark mark = session.mark()) {
        session.append(new int[][] {text(3, 20), text(4, 30)});
        session.reset(0);
        try (Snapshot at = session.snapshot(mark, 1, 0)) {
          assertThat(at.position(0)).isEqualTo(9);
          assertThat(at.position(1)).isEqualTo(300);
          at.save(file);
          assertThatIllegalStateException()
              .isThrownBy(() -> session.put(0, at, 0))
              .withMessage("expected no open mark of this session, got one");
        }
      }
      try (Session back = model.restore(file, RestoreOptions.DEFAULT)) {
        assertThat(logits(back, 0)).isEqualTo(then);
      }
    }
  }

  /** Each stands in the channel behind the one before. */
  @Test
  void readsNoFurtherThanItsEnd() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 1; i <= 3; i++) {
      try (Session session = model.newSession()) {
        session.append(text(i, 10 * i));
        session.save(Channels.newChannel(bytes), SaveOptions.DEFAULT);
      }
    }
    ReadableByteChannel channel =
        Channels.newChannel(new ByteArrayInputStream(bytes.toByteArray()));
    for (int i = 1; i <= 3; i++) {
      try (Session session = model.restore(channel, RestoreOptions.DEFAULT)) {
        assertThat(session.position(0)).isEqualTo(10L * i);
      }
    }
  }

  /** What cannot be written is told as the signature says it, and leaves nothing behind. */
  @Test
  void whatCannotBeWrittenIsAnIoException() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    try (Session session = model.newSession();
        Snapshot snapshot = session.snapshot(0)) {
      for (Path bad : List.of(folder.resolve("absent/s"), file.resolve("s"), folder)) {
        assertThatExceptionOfType(IOException.class)
            .isThrownBy(() -> session.save(bad))
            .withMessageContaining(bad.toString());
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> snapshot.save(bad));
      }
      // Through a link too nothing but a file is written.
      Path full = Files.createSymbolicLink(folder.resolve("full"), Path.of("/dev/full"));
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> session.save(full));
    }
    assertThat(folder).isDirectoryContaining("glob:**file").isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void mayBeItsOwnersAlone() throws IOException {
    Path file = folder.resolve("own");
    try (Session session = model.newSession()) {
      session.save(file);
      assertThat(Files.getPosixFilePermissions(file)).contains(PosixFilePermission.OWNER_READ);
      session.save(file, SaveOptions.DEFAULT.withOwnerOnly());
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void keepsTokensAndInformation() throws IOException {
    Path file = folder.resolve("tokens");
    int[] tokens = text(1, 21);
    try (Session session = model.newSession()) {
      session.append(tokens);
      SaveOptions options = SaveOptions.DEFAULT.withInformation(Map.of("user", "Anne"));
      session.save(file, options.withTokens(List.of(tokens)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.save(file, options.withTokens(List.of(text(1, 20)))))
          .withMessage("expected the 21 tokens of row 0, got 20");
    }
    try (Snapshot snapshot = model.readSnapshot(file, RestoreOptions.DEFAULT)) {
      assertThat(snapshot.tokens()).containsExactly(tokens);
    }
    try (var channel = Files.newByteChannel(file)) {
      var header = new SnapshotReader(channel, Files.size(file), Long.MAX_VALUE).header();
      assertThat(header.information()).containsEntry("user", "Anne");
      assertThat(header.positions()).containsExactly(21L);
      assertThat(header.fingerprint()).isEqualTo(model.fingerprint());
    }
  }

  @Test
  void refusesAnotherModelAndLeavesWhatWasThere() throws IOException {
    Path file = folder.resolve("other");
    try (Session session = model.newSession()) {
      session.append(text(1, 10));
      session.save(file);
      byte[] before = Files.readAllBytes(file);
      LanguageModel sameShape = model(config(true), WeightType.FLOAT32, 2);
      LanguageModel half = model(config(true), WeightType.BFLOAT16, 1);
      LanguageModel otherWindow = model(config(true, 21), WeightType.FLOAT32, 1);
      for (LanguageModel other : List.of(sameShape, half, otherWindow)) {
        assertThatExceptionOfType(SnapshotException.class)
            .isThrownBy(() -> other.restore(file, RestoreOptions.DEFAULT))
            .withMessage(
                "expected a snapshot of the model %s..., got one of %s...: its configuration or"
                    + " its weights are others",
                other.fingerprint().brief(), model.fingerprint().brief())
            .extracting(SnapshotException::reason)
            .isEqualTo(Reason.OTHER_MODEL);
      }
      try (Snapshot own = session.snapshot(0)) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> sameShape.restore(own, SessionOptions.DEFAULT))
            .withMessageStartingWith("expected a snapshot of this model, got one");
      }
      assertThatExceptionOfType(SnapshotException.class)
          .isThrownBy(() -> model.restore(file, RestoreOptions.DEFAULT.withMostBytes(1000)))
          .withMessage("expected a snapshot of at most 1000 bytes, got one of " + before.length)
          .extracting(SnapshotException::reason)
          .isEqualTo(Reason.TOO_LARGE);
      assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }
  }

  @Test
  void wipesWhatItRemembers() {
    Session session = model.newSession();
    session.append(text(1, 40));
    session.step(3);
    var state = session.state(0);
    assertThat(state.amaxNumber().doubleValue()).isPositive();
    session.closeAndWipe();
    session.closeAndWipe();
    assertThatIllegalStateException()
        .isThrownBy(() -> session.append(1))
        .withMessage("this session is closed");
  }

  /** And leaves a session that shares it as it is. */
  @Test
  void snapshotsAreWipedToo() {
    try (Session session = model.newSession()) {
      session.append(text(1, 40));
      float[] before = logits(session, 0);
      Snapshot snapshot = session.snapshot(0);
      snapshot.closeAndWipe();
      snapshot.closeAndWipe();
      assertThatIllegalStateException()
          .isThrownBy(snapshot::bytes)
          .withMessage("this snapshot is closed");
      assertThat(logits(session, 0)).isEqualTo(before);
      session.step(3);
      int[] all = with(text(1, 40), 3);
      assertClose(logits(session, 0), alone(model, all));
    }
  }

  /** Each row takes room of its own, however little of it is in the file. */
  @Test
  void moreRowsThanAskedForAreRefused() throws IOException {
    Path file = folder.resolve("rows");
    try (Session session = model.newSession(3, SessionOptions.DEFAULT)) {
      session.save(file);
    }
    RestoreOptions two = RestoreOptions.DEFAULT.withMostRows(2);
    assertThatExceptionOfType(SnapshotException.class)
        .isThrownBy(() -> model.restore(file, two))
        .withMessage("expected a snapshot of at most 2 rows, got one of 3")
        .matches(e -> e.reason() == Reason.TOO_LARGE);
    model.restore(file, two.withMostRows(3)).close();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> two.withMostRows(0))
        .withMessage("expected a limit of rows >= 1, got 0");
  }

  /** The same numbers have the same fingerprint, whatever holds them; this one never changes. */
  @Test
  void fingerprintsAreOfNumbers() {
    assertThat(model(config(true), WeightType.FLOAT32, 1).fingerprint())
        .isEqualTo(model.fingerprint())
        .isNotEqualTo(model(config(false), WeightType.FLOAT32, 1).fingerprint());
  }

  /** A row of bf16 among rows of fp32 would be read as what it is not. */
  @Test
  void takesOnlyRowsThatAreKeptAlike() {
    SessionOptions half =
        SessionOptions.DEFAULT.withCache(KvCacheOptions.DEFAULT.withCacheType(CacheType.BFLOAT16));
    try (Session other = model.newSession(1, half);
        Session session = model.newSession()) {
      other.append(text(1, 9));
      session.append(text(2, 9));
      float[] before = logits(session, 0);
      try (Snapshot snapshot = other.snapshot(0)) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> session.put(0, snapshot, 0))
            .withMessage(
                "expected a cache of FLOAT32 and at most 32768 tokens, got one of BFLOAT16 and"
                    + " 32768");
        assertThatIllegalArgumentException()
            .isThrownBy(() -> model.restore(snapshot, SessionOptions.DEFAULT))
            .withMessageStartingWith("expected options with caches as those of the snapshot,");
      }
      assertThat(logits(session, 0)).isEqualTo(before);
      session.append(1);
    }
  }

  @Test
  void isOfNoUseAfterClose() {
    Session session = model.newSession();
    session.append(1);
    Snapshot snapshot = session.snapshot(0);
    session.close();
    assertThat(snapshot.position(0)).isEqualTo(1);
    snapshot.close();
    snapshot.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> model.restore(snapshot, SessionOptions.DEFAULT))
        .withMessage("this snapshot is closed");
  }
}
