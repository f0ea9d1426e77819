package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that appear together: what others put into the folder survives every failure. */
class PendingFolderTest {
  private static final List<String> NAMES = List.of("a", "b", "c");

  @TempDir private Path folder;

  private static void fill(PendingFolder pending, String text) {
    for (String name : NAMES) {
      pending.add(name).write(0, ByteBuffer.wrap((text + name).getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** Returns the contents by name; links as what they point to. */
  private Map<String, String> contents() throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String text =
            Files.isSymbolicLink(file)
                ? "-> " + Files.readSymbolicLink(file)
                : Files.isDirectory(file) ? "folder" : Files.readString(file);
        contents.put(file.getFileName().toString(), text);
      }
    }
    return contents;
  }

  private void put(String... names) throws IOException {
    for (String name : names) {
      Files.writeString(folder.resolve(name), "three weeks of notes in " + name);
    }
  }

  private PendingFolder of(Set<String> obsolete, boolean replace) {
    return PendingFolder.of(folder, NAMES, obsolete, replace);
  }

  @Test
  void allAppearAtTheEnd() throws IOException {
    put("other");
    try (PendingFolder pending = of(Set.of(), false)) {
      fill(pending, "new ");
      assertThat(folder.resolve("a")).doesNotExist();
      pending.finish();
    }
    assertThat(contents())
        .containsOnly(
            Map.entry("a", "new a"),
            Map.entry("b", "new b"),
            Map.entry("c", "new c"),
            Map.entry("other", "three weeks of notes in other"));
  }

  @Test
  void withoutTheEndNoneAppears() {
    Path inner = folder.resolve("made/deep");
    try (PendingFolder pending = PendingFolder.of(inner, NAMES, Set.of(), false)) {
      fill(pending, "new ");
      assertThat(inner).isNotEmptyDirectory();
    }
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "c", "old"})
  void whatIsThereIsNamedBeforeAnythingIsWritten(String name) throws IOException {
    put(name, "other");
    Map<String, String> before = contents();
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> of(Set.of("old"), false))
        .withMessageContainingAll(name, folder.toString())
        .withCauseInstanceOf(FileAlreadyExistsException.class);
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void replacesWhereItIsAsked() throws IOException {
    put("a", "c", "old", "other");
    try (PendingFolder pending = of(Set.of("old"), true)) {
      fill(pending, "new ");
      assertThat(folder.resolve("c")).hasContent("three weeks of notes in c");
      pending.finish();
    }
    assertThat(contents())
        .containsOnly(
            Map.entry("a", "new a"),
            Map.entry("b", "new b"),
            Map.entry("c", "new c"),
            Map.entry("other", "three weeks of notes in other"));
  }

  /** The last of the names is the first whose place is seen to be taken only at the very end. */
  @ParameterizedTest
  @ValueSource(strings = {"a", "b", "c"})
  void whatAppearsMeanwhileStaysAndTheRestIsTakenBack(String name) throws IOException {
    put("other");
    try (PendingFolder pending = of(Set.of(), false)) {
      fill(pending, "new ");
      put(name);
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(pending::finish)
          .withMessageContaining(name + " has appeared meanwhile")
          .withCauseInstanceOf(FileAlreadyExistsException.class);
    }
    assertThat(contents())
        .containsOnly(
            Map.entry(name, "three weeks of notes in " + name),
            Map.entry("other", "three weeks of notes in other"));
  }

  @Test
  void whatWasSetAsideIsPutBack() throws IOException {
    put("a", "c", "old");
    try (PendingFolder pending = of(Set.of("old"), true)) {
      fill(pending, "new ");
      put("b");
      Map<String, String> before = notes();
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(pending::finish)
          .withMessageContaining("b has appeared meanwhile");
      assertThat(notes()).isEqualTo(before).hasSize(4);
    }
    assertThat(contents()).isEqualTo(notes());
  }

  private Map<String, String> notes() throws IOException {
    Map<String, String> notes = contents();
    notes.values().removeIf(text -> !text.startsWith("three weeks"));
    return notes;
  }

  /** Links of a cache of downloads point to files that others share. */
  @Test
  void aLinkIsReplacedItselfAndNotWhatItPointsTo() throws IOException {
    put("shared");
    Files.createSymbolicLink(folder.resolve("a"), Path.of("shared"));
    Files.createSymbolicLink(folder.resolve("b"), Path.of("nowhere"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> of(Set.of(), false))
        .withMessageContaining("a, b");
    try (PendingFolder pending = of(Set.of(), true)) {
      fill(pending, "new ");
      pending.finish();
    }
    assertThat(contents())
        .containsOnly(
            Map.entry("a", "new a"),
            Map.entry("b", "new b"),
            Map.entry("c", "new c"),
            Map.entry("shared", "three weeks of notes in shared"));
  }

  @Test
  void foldersAreNeverReplaced() throws IOException {
    Files.createDirectory(folder.resolve("b"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> of(Set.of(), true))
        .withMessageContaining("got a folder");
    assertThat(contents()).containsOnly(Map.entry("b", "folder"));
  }

  @Test
  void aFolderThatCannotBeMadeIsNamed() throws IOException {
    put("file");
    Path file = folder.resolve("file");
    for (Path path : List.of(file, file.resolve("below"), Path.of("/proc/none"))) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> PendingFolder.of(path, NAMES, Set.of(), true))
          .withMessageContaining(path.toString());
    }
    Files.createSymbolicLink(folder.resolve("link"), Path.of("nowhere"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> PendingFolder.of(folder.resolve("link/x"), NAMES, Set.of(), true))
        .withMessageContaining("link");
    assertThat(folder.resolve("nowhere")).doesNotExist();
  }

  @Test
  void everyNameIsWrittenOnce() {
    try (PendingFolder pending = of(Set.of(), false)) {
      pending.add("a");
      assertThatIllegalArgumentException().isThrownBy(() -> pending.add("a"));
      assertThatIllegalArgumentException().isThrownBy(() -> pending.add("d"));
      assertThatIllegalStateException().isThrownBy(pending::finish);
    }
    assertThat(folder).isEmptyDirectory();
  }
}
